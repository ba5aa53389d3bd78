package main

import (
	"log"
	"github.com/pocketbase/pocketbase"
)

func main() {
}
