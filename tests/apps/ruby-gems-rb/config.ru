require "./app"

run App.freeze.app
