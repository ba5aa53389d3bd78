"""Small applications that say which version they are."""

from __future__ import annotations

import json

SERVER = """
import http.server, json, os, signal, sys

VERSION = open("version.txt").read().strip()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        facts = {"version": VERSION, "pid": os.getpid(), "env": dict(os.environ), "cwd": os.getcwd()}
        body = json.dumps(facts).encode()
        self.send_response(int(os.environ.get("ANSWER", STATUS)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass

STATUS = 200
PORT = int(os.environ["PORT"])
"""
SERVE = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
print("ready", VERSION, flush=True)
server.serve_forever()
"""


def server(version: str, before: str = "", procfile: str = "web: python3 serve\n") -> dict[str, str | None]:
    """A server that no language is told by; `before` is Python that runs just before it listens."""
    return {"serve": SERVER + before + SERVE, "version.txt": version, "Procfile": procfile}


def exits(version: str, status: int = 7) -> dict[str, str | None]:
    """An application that ends at once."""
    return server(version, before=f'\nprint("no configuration", flush=True)\nsys.exit({status})\n')


def node(version: str, dependencies: dict[str, str] | None = None) -> dict[str, str | None]:
    """A Node application on Express."""
    package = {
        "name": "sample",
        "version": "1.0.0",
        "private": True,
        "scripts": {"start": "node index.js"},
        "dependencies": dependencies if dependencies is not None else {"express": "^4.19.2"},
    }
    index = (
        "const express = require('express');\nconst app = express();\n"
        f"app.get('/', (request, response) => response.json({{version: '{version}', pid: process.pid}}));\n"
        "app.listen(process.env.PORT, () => console.log('ready'));\n"
    )
    return {"package.json": json.dumps(package, indent=2), "index.js": index}


def flask(version: str) -> dict[str, str | None]:
    """A Flask application, served by gunicorn."""
    app = (
        "from flask import Flask\nimport os\n\napp = Flask(__name__)\n\n\n"
        f"@app.get('/')\ndef index():\n    return {{'version': '{version}', 'pid': os.getpid()}}\n"
    )
    return {"app.py": app, "requirements.txt": "flask>=3\ngunicorn>=22\n"}
