"""A shop of ours for UCP's conformance tests: the product itself, as a seller runs it, with what of their flower shop a catalogue
of ours can say, and a wallet whose tokens stand for their `success_token`. A door before it lends the tests what they do not have,
a key and the newer version: they speak 2026-01-11, the shop 2026-04-08. What is said is not touched beyond that: see
`translated.py`. The lines that it prints say where the door is, and where it takes the tests' events; all of it ends with the
standard input."""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import socket
import sys
import threading
import urllib.request
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import translated
from stage import Stage

from tollbridge import Client, read_key_file

# What their `products.csv`, `inventory.csv` and `shipping_rates.csv` say, as far as a catalogue of ours can. Standard shipping is
# free, as `promotions.csv` has it for roses, which is all that the tests buy. There is no delivery for some countries only, and no
# coupon in percent.
GOODS = {
    "bouquet_roses": ("Bouquet of Red Roses", "35.00", 1000),
    "pot_ceramic": ("Ceramic Pot", "15.00", 2000),
    "bouquet_sunflowers": ("Sunflower Bundle", "25.00", 500),
    "bouquet_tulips": ("Spring Tulips", "30.00", 1500),
    "orchid_white": ("White Orchid", "45.00", 800),
    "gardenias": ("Gardenias", "20.00", 0),
}
CATALOGUE = """
[[delivery]]
id = "std-ship"
name = "Free Standard Shipping"
price = "0.00"
[[delivery]]
id = "exp-ship-us"
name = "Express Shipping"
price = "15.00"
[[coupon]]
code = "FIXED500"
off = "5.00"
"""


class Shop:
    """A server, a seller's shop, and an agent with a wallet to pay there."""

    def __init__(self, stage: Stage, door: str, port: int) -> None:
        self.url, self.key, self.tokens = f"http://127.0.0.1:{port}", secrets.token_hex(16), {}
        owner = ["--key", stage.owner_key]
        name = json.loads(stage.run("wallet", "show", "--json", "--key", stage.book, stage.wallet))["owner"]
        self.wallet = stage.made("wallet", "create", *owner, "--owner", name, "--asset", "USD/2")
        stage.run("wallet", "fill", "--key", stage.book, self.wallet, "100000.00")
        agent = stage.at("florist-agent.json")
        stage.made("agent", "create", *owner, "--wallet", self.wallet, "--key-out", agent, "--per-payment", "10000.00")
        seller = ["--asset", "USD/2", "--category", "flowers", "--key-out", stage.at("florist.json")]
        self.payee = stage.made("payee", "create", "--key", stage.book, *seller)
        self.agent = Client(stage.server, read_key_file(agent))
        Path(stage.at("florist.key")).write_text(secrets.token_hex(32))
        items = "".join(
            f'[[item]]\nid = "{name}"\nname = "{title}"\ncategory = "flowers"\nprice = "{price}"\nasset = "USD/2"\nstock = {stock}\n'
            for name, (title, price, stock) in GOODS.items()
        )
        Path(stage.at("shop.toml")).write_text(
            f"""
[shop]
name = "Flower Shop"
server = "{stage.server}"
payee = "{self.payee}"
key_file = "florist.json"
network = "toll:test"
public_url = "{door}"
asset = "USD/2"
data = "florist"
[checkouts]
namespace = "example.flowers.pay"
ucp = true
signing_key_file = "florist.key"
[[checkouts.client]]
name = "tests"
key_sha256 = "{hashlib.sha256(self.key.encode()).hexdigest()}"
ucp_events = "{door}/events"
{CATALOGUE}{items}"""
        )
        stage.start("seller", "shop", "serve", "--config", stage.at("shop.toml"), "--listen", f"127.0.0.1:{port}")

    def asked(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"))
        connection.request(method, path, body or None, headers)
        reply = connection.getresponse()
        said = reply.status, reply.getheaders(), reply.read()
        connection.close()
        return said

    def token(self, path: str, headers: dict[str, str]) -> str:
        """What `success_token` stands for at a checkout: a token of our wallet's for just this one, the same each time."""
        status, _, body = self.asked("GET", path.removesuffix("/complete"), b"", headers)
        checkout = json.loads(body)
        if status != 200:
            return "success_token"
        total = next(total["amount"] for total in checkout["totals"] if total["type"] == "total")
        if (checkout["id"], total) not in self.tokens:
            ends = datetime.now(timezone.utc) + timedelta(minutes=15)
            wallet = {"type": "tollbridge", "wallet": self.wallet, "max_amount": total, "currency": "USD"}
            ask = {
                "credential": wallet | {"expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")},
                "binding": {"checkout_id": checkout["id"], "identity": {"access_token": self.payee}},
            }
            _, made = self.agent.request("POST", "/v1/ucp/tokenize", ask, idempotency_key=self.agent.fresh_key())
            self.tokens[checkout["id"], total] = made["token"]
        return self.tokens[checkout["id"], total]


class Door(BaseHTTPRequestHandler):
    """Passes on what it hears, in the other version."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def passed(self) -> None:
        shop: Shop = self.server.shop  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/events":
            return self.said(self.told(body), [], b"")
        left_out = ("content-length", "host", "connection", "accept-encoding")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        headers = translated.headers(headers) | {"X-API-Key": shop.key}
        if self.path.endswith("/complete"):
            body = translated.complete(body, lambda: shop.token(self.path, headers))
        status, sent, answer = shop.asked(self.command, self.path, body, headers)
        self.said(status, sent, translated.answer(answer))

    def told(self, body: bytes) -> int:
        """The tests wait for events at an address of their own."""
        request = urllib.request.Request(self.server.events, translated.event(body))  # type: ignore[attr-defined]
        request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=5) as taken:
                return taken.status
        except OSError:
            return 503

    def said(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.close_connection = True
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = passed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def main() -> None:
    stage, events = Stage(), free_port()
    try:
        door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        door.daemon_threads = True
        url = f"http://localhost:{door.server_port}"
        door.events = f"http://127.0.0.1:{events}/webhooks/partners/tests/events/order"  # type: ignore[attr-defined]
        door.shop = Shop(stage, url, free_port())  # type: ignore[attr-defined]
        threading.Thread(target=door.serve_forever, daemon=True).start()
        print(url, events, flush=True)
        sys.stdin.read()
    finally:
        stage.close()


main()
