module example.org/shop

go 1.21.0

require (
	github.com/labstack/echo/v4 v4.12.0
)
