import http.server

print(http.server.__name__)
