package org.example

fun main() {
}
