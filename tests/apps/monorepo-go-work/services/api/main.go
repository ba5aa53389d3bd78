package main

import (
	"github.com/gin-gonic/gin"
	"example.org/shared"
)

func main() {
}
