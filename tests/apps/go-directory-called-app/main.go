package main

import (
	"example.org/shop/app"
)

func main() {
}
