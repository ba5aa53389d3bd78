require "socket"

server = TCPServer.new("0.0.0.0", ENV.fetch("PORT"))
