"""The stage of the tests: a real server with a book of play money, a real gateway in front of a folder, and a
door before each."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAM = os.environ.get("TOLLBRIDGE_BIN", "")
assert PROGRAM, "TOLLBRIDGE_BIN is not set: name the built `tollbridge`"

# What pages cost; of the last, there is none.
PRICES = {"cheap.txt": "0.30", "asked.txt": "2.00", "denied.txt": "6.00", "gone.txt": "0.30"}


class Door:
    """Passes requests on. `before` may lose a request before the other side has it, and `after` the answer."""

    def __init__(self) -> None:
        self.behind = ""
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Incoming)
        self._server.daemon_threads = True
        self._server.door = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        """Lets everything pass as it is."""
        self.before: Callable[[Incoming, bytes], bool] = lambda request, body: True
        self.after: Callable[[Incoming, bytes], bytes | None] = lambda request, answer: answer
        #: Alters a header of an answer, named in lower case, or takes it out.
        self.headers: Callable[[str, str], str | None] = lambda name, value: value

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Incoming(BaseHTTPRequestHandler):
    """One connection of a door."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def pass_on(self) -> None:
        door: Door = self.server.door  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not door.before(self, body):
            return self.lose()
        host, port = door.behind.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port))
        try:
            connection.request(self.command, self.path, body or None, dict(self.headers.items()))
            reply = connection.getresponse()
            answer = door.after(self, reply.read())
        except OSError:
            return self.lose()
        finally:
            connection.close()
        if answer is None:
            return self.lose()
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            value = door.headers(name.lower(), value) or ""
            if value and name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def lose(self) -> None:
        self.close_connection = True
        self.connection.close()

    do_GET = do_POST = do_PUT = pass_on


class Stage:
    """Everything of a small book. `server` and `gateway` are doors: what passes through them can be watched
    and lost.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tollbridge-sdk-"))
        self.processes: list[subprocess.Popen[str]] = []
        self.server_door, self.gateway_door = Door(), Door()
        self.server, self.gateway = self.server_door.url, self.gateway_door.url
        self.book = str(self.directory / "book")
        self.run("init", self.book, "--test")
        self.start_server()
        self.key, self.seller_key, self.owner_key = (
            self.at("agent.json"),
            self.at("seller.json"),
            self.at("owner.json"),
        )
        book, owner = ["--key", self.book], ["--key", self.owner_key]
        name = self.made("owner", "create", *book, "--key-out", self.owner_key, "--label", "Wen")
        self.wallet = self.made("wallet", "create", *owner, "--owner", name, "--asset", "CNY/2")
        self.run("wallet", "fill", *book, self.wallet, "1000.00")
        limits = ["--per-payment", "5.00", "--ask-above", "1.00"]
        agent = ["--wallet", self.wallet, "--key-out", self.key, *limits]
        self.agent = self.made("agent", "create", *owner, *agent)
        seller = ["--asset", "CNY/2", "--category", "pages", "--key-out", self.seller_key]
        self.payee = self.made("payee", "create", *book, *seller)
        self.open_shop()
        with urllib.request.urlopen(f"{self.server}/log/vkey") as answer:
            self.vkey = answer.read().decode()

    def at(self, name: str) -> str:
        return str(self.directory / name)

    def start_server(self) -> None:
        self.server_process, self.server_door.behind = self.start(
            "serve", "--data", self.book, "--listen", "127.0.0.1:0"
        )

    def open_shop(self) -> None:
        pages = self.directory / "pages"
        pages.mkdir()
        for page in ["cheap.txt", "asked.txt", "denied.txt", "free.txt", "counted.txt", "ticks.txt"]:
            (pages / page).write_text(f"This is {page}.\n")
        (pages / "terms.json").write_text('{"rows":[1]}')
        _, files = self.start("files", str(pages), "--listen", "127.0.0.1:0")
        price = '[[price]]\nmethod = "GET"\npath = "/{}"\namount = "{} CNY"\n'
        prices = "".join(price.format(page, amount) for page, amount in PRICES.items())
        config = f"""
[seller]
server = "{self.server}"
payee = "{self.payee}"
key_file = "seller.json"
network = "toll:test"
public_url = "{self.gateway}"
asset = "CNY/2"
data = "gateway"
[upstream]
url = "{files}"
[[free]]
method = "GET"
path = "/free.txt"
{prices}
[[price]]
method = "GET"
path = "/counted.txt"
unit = "bytes"
rate = "0.01 CNY"
at_most = "0.50 CNY"
[[price]]
method = "GET"
path = "/ticks.txt"
amount = "0.01 CNY"
by_voucher = "0.001 CNY"
[[price]]
method = "GET"
path = "/terms.json"
amount = "0.05 CNY"
[[price.terms]]
rows = {{ at = "/rows", at_least = 1 }}
lost_ppm = 1000000
"""
        Path(self.at("prices.toml")).write_text(config)
        self.start_gateway()

    def start_gateway(self) -> None:
        words = ["gateway", "--config", self.at("prices.toml"), "--listen", "127.0.0.1:0"]
        self.gateway_process, self.gateway_door.behind = self.start(*words)

    def kill_gateway(self) -> None:
        """Kills the gateway without a warning, and starts another one on what it has kept."""
        self.gateway_process.kill()
        self.gateway_process.wait()
        self.start_gateway()

    def run(self, *words: str) -> str:
        """Runs one command to its end, and answers what it said."""
        return self.tried(*words, check=True).stdout

    def tried(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """The same where it may say no."""
        return subprocess.run(
            [PROGRAM, *words],
            cwd=self.directory,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=check,
        )

    def made(self, *words: str) -> str:
        """The name of what a command made."""
        return self.run(*words).split(" ")[0].strip()

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "TOLLBRIDGE_SERVER": self.server}

    def start(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        """Starts what goes on until it is ended, and waits until it listens."""
        process = subprocess.Popen(
            [PROGRAM, *words], cwd=self.directory, env=self.environment(), stdout=subprocess.PIPE, text=True
        )
        self.processes.append(process)
        assert process.stdout
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return process, found[0]
        raise AssertionError(f"`tollbridge {' '.join(words)}` ended before it listened")

    def left(self) -> int:
        """What is left in the wallet, in fen."""
        shown = json.loads(self.run("wallet", "show", "--json", "--key", self.book, self.wallet))
        return int(shown["available"]["amount"])

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.server_door.close()
        self.gateway_door.close()
        shutil.rmtree(self.directory)
