package org.example.shop;

public class Server {
    public static void main(String[] args) {
    }
}
