"""A web server without dependencies: what `scripts/run` deploys when it is not given a repository."""

import http.server
import os
import signal
import sys
from pathlib import Path

MESSAGE = "Hello from Orbit"
STARTED = Path("pre-deploy.txt").read_text() if Path("pre-deploy.txt").exists() else "without a pre-deploy hook"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{MESSAGE}\nrelease {os.environ.get('ORBIT_RELEASE')}\n{STARTED}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
port = int(os.environ["PORT"])
print(f"listening on port {port}", flush=True)
http.server.ThreadingHTTPServer(("", port), Handler).serve_forever()
