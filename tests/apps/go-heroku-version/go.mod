// +heroku goVersion go1.21

module example.org/shop
