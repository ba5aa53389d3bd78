package org.example;

public class Greeting {
}
