package main

import (
	"example.org/shop/internal/web"
)

func main() {
}
