"""A service that knows nothing of agents and of money. It writes down what it is asked into a folder, and finds there what to do:
what is asked at `/wait` waits until there is a file `go`. Its first line says where it listens."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

workshop = Path(sys.argv[1])
lock = threading.Lock()


class Service(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        call = {"path": self.path, "body": body, "key": self.headers.get("idempotency-key")}
        with lock, open(workshop / "calls", "a", encoding="utf-8") as calls:
            calls.write(json.dumps(call) + "\n")
        while self.path == "/wait" and not (workshop / "go").exists():
            time.sleep(0.01)
        answer = f"{self.path[1:]} {body}".encode()
        try:
            self.send_response(404 if self.path == "/refuse" else 200)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
