module example.org/shop

go 1.23

require (
	github.com/pocketbase/pocketbase v0.23.0
)
