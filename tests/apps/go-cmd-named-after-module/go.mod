module example.org/ada/shop/v2

go 1.22
