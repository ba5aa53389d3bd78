module example.org/ada/shop

go 1.22
