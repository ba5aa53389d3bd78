package org.example.list;
