package org.example.web;

public class App {
    public static void main(String[] args) {
    }
}
