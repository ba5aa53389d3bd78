package main

import (
	"net/smtp"
)

func main() {
}
