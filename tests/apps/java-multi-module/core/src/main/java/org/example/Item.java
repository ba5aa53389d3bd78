package org.example;

class Item {
}
