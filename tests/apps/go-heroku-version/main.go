// +build heroku

package main

import (
	"net/http"
)

func main() {
}
