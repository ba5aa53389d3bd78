package main

import (
	"database/sql"
)

func main() {
}
