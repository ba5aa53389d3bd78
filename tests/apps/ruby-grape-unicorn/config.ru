require './api'

run API
