package main

import (
	"net/http"
	"example.org/ada/shop/pages"
)

func main() {
}
