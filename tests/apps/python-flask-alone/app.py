import flask

server: flask.Flask = flask.Flask(__name__)

if __name__ == "__main__":
    server.run()
