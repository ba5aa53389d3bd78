module example.org/shop

go 1.13

require (
	github.com/gorilla/mux v1.8.1
)
