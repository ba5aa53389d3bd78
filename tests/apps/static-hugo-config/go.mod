module github.com/a/shop

go 1.21
