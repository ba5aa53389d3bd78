package main

import (
	"flag"
)

func main() {
}
