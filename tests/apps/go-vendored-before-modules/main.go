package main

import (
	"net/http"
	"github.com/gorilla/mux"
	"example.org/ada/shop/pages"
)

func main() {
}
