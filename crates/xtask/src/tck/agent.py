"""An agent of ours, for a kit that says by the names of its messages what it expects of whoever answers them. A service behind
it does as they say. A door before it is the buyer that the kit is not: where a task has to wait, it names a skill that costs
something, and where the kit says that the task shall go on, it pays. The first line says where the door is; all of it ends with
the standard input."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from stage import Stage
from x402 import x402Client
from x402.schemas import PaymentRequired

from tollbridge import MemoryStore, Wallet
from tollbridge.x402 import register

# Longer than the kit waits before it looks whether a task goes on.
LONG_SECONDS = 4

PARTS = "application/a2a+json"
FILE = {"filename": "output.txt", "mediaType": "text/plain"}

# What the service answers, by the beginning of a message's name, the longest first.
ANSWERS: list[tuple[str, dict[str, object]]] = [
    ("tck-artifact-file-url", {"url": "https://example.com/output.txt"} | FILE),
    ("tck-artifact-file", {"raw": "RmlsZSBjb250ZW50"} | FILE),
    ("tck-stream-artifact-file", {"raw": "RmlsZSBjb250ZW50"} | FILE),
    ("tck-artifact-data", {"data": {"key": "value", "count": 42}}),
    ("tck-artifact-text", {"text": "Generated text content"}),
    ("tck-stream-artifact-text", {"text": "Streamed text content"}),
]

PROFILE = """
name = "Example"
description = "Does as it is told."
version = "1.0"
[[skill]]
id = "free"
name = "Free"
description = "Answers what the name of a message says."
tags = ["test"]
[[skill]]
id = "priced"
name = "Priced"
description = "Waits for money."
tags = ["test"]
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))


class Service(Handler):
    """What is sold. It knows what it is asked, and nothing of money."""

    def do_POST(self) -> None:
        self.body()
        name = self.headers.get("a2a-message-id") or ""
        refused = name.startswith("tck-reject-task")
        if name.startswith("test-resubscribe"):
            time.sleep(LONG_SECONDS)
        part = next((part for start, part in ANSWERS if name.startswith(start)), {"text": "Hello from TCK"})
        answer = json.dumps({"parts": [part]}).encode()
        self.send_response(422 if refused else 200)
        self.send_header("content-type", PARTS)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class Door(Handler):
    """Passes on what it hears, as it comes, with what a buyer adds."""

    def passed(self) -> None:
        buyer: Buyer = self.server.buyer  # type: ignore[attr-defined]
        body = buyer.added(self.body())
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        connection = http.client.HTTPConnection(buyer.agent.removeprefix("http://"))
        connection.request(self.command, self.path, body or None, headers)
        reply = connection.getresponse()
        self.close_connection = True
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()
        try:
            while piece := reply.read1():
                self.wfile.write(piece)
        except OSError:
            # Whoever asked has gone.
            pass
        finally:
            connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = passed


class Buyer:
    """Who names a skill, and pays for a task that waits."""

    def __init__(self, stage: Stage, agent: str) -> None:
        self.agent = agent
        self.wallet = Wallet.open(stage.key, stage.server, purchases=MemoryStore())

    def added(self, body: bytes) -> bytes:
        """A message with what it needs to be what its name says; anything else as it is."""
        try:
            value = json.loads(body)
            message = value.get("params", value)["message"]
            name, task = message["messageId"], message.get("taskId")
            if name.startswith("tck-input-required"):
                about = {"tollbridge/skill": "priced"}
            elif name.startswith("tck-complete-task") and task and (asked := self.asked(task)):
                payment = asyncio.run(self.payment(asked))
                about = {"x402.payment.status": "payment-submitted", "x402.payment.payload": payment}
            else:
                return body
            message.setdefault("metadata", {}).update(about)
            return json.dumps(value).encode()
        except (ValueError, TypeError, KeyError, AttributeError):
            return body

    def asked(self, task: str) -> dict[str, Any] | None:
        """What a task asks for, if it is there and waits."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": task}}
        headers = {"content-type": "application/json", "a2a-version": "1.0"}
        request = urllib.request.Request(f"{self.agent}/a2a", json.dumps(call).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            status = json.load(answer).get("result", {}).get("status", {})
        waits = status.get("state") == "TASK_STATE_INPUT_REQUIRED"
        return status["message"]["metadata"]["x402.payment.required"] if waits else None

    async def payment(self, asked: dict[str, Any]) -> dict[str, Any]:
        client = register(x402Client(), self.wallet, max_price="1.00 CNY")
        payload = await client.create_payment_payload(PaymentRequired.model_validate(asked))
        return payload.model_dump(by_alias=True, exclude_none=True)


def listening(handler: type[Handler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    stage = Stage()
    try:
        service, door = listening(Service), listening(Door)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        door.buyer = Buyer(stage, f"http://127.0.0.1:{port}")  # type: ignore[attr-defined]
        url = f"http://127.0.0.1:{door.server_port}"
        Path(stage.at("agent.toml")).write_text(PROFILE)
        Path(stage.at("skills.toml")).write_text(
            f"""
[seller]
server = "{stage.server}"
payee = "{stage.payee}"
key_file = "seller.json"
network = "toll:test"
public_url = "{url}"
asset = "CNY/2"
data = "skills"
[upstream]
url = "http://127.0.0.1:{service.server_port}"
[[price]]
skill = "priced"
amount = "0.30 CNY"
[[free]]
skill = "free"
"""
        )
        files = ["--config", stage.at("skills.toml"), "--profile", stage.at("agent.toml")]
        stage.start("seller", "a2a", *files, "--listen", f"127.0.0.1:{port}")
        print(url, flush=True)
        sys.stdin.read()
    finally:
        stage.close()


main()
