"""The official A2A client for Python, with the official x402 package, buys skills of our agent; and a2a-proof holds the agent
against its contract."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.client.client import Client
from a2a.types import AgentCard, Message, Part, Role, SendMessageRequest, Task, TaskState
from a2a.utils.signing import create_signature_verifier
from google.protobuf.json_format import MessageToDict, ParseDict  # type: ignore[import-untyped]
from jwt import PyJWK
from stage import Stage
from trials import equal, rejection, spent, trial
from x402 import x402Client
from x402.schemas import PaymentRequired

from tollbridge import MemoryStore, Wallet
from tollbridge.x402 import register

SDK = "a2a-sdk, python x402 → tollbridge seller a2a"
PROOF = "a2a-proof → tollbridge seller a2a"
EXTENSION = "https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2"
KEY = "a-key-that-these-trials-made-up"

PROFILE = """
name = "Bridges"
description = "Finds bridges."
version = "1.0"
"""

SKILL = """
[[skill]]
id = "{0}"
name = "{0}"
description = "Does {0}."
tags = ["bridges"]
path = "/{0}"
"""


class Service(BaseHTTPRequestHandler):
    """What a seller has before there are prices: it knows nothing of agents."""

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        service: Shop = self.server.shop  # type: ignore[attr-defined]
        service.asked.append((self.path, body))
        if "slowly" in body:
            service.go.wait(20)
        status = 500 if self.path == "/fails" else 200
        answer = f"{self.path[1:]} {body}".encode()
        # Whoever asked may have gone.
        with suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)


class Shop:
    """A service, and an agent of ours in front of it."""

    def __init__(self, stage: Stage, first: str) -> None:
        self.stage, self.asked, self.go = stage, [], threading.Event()  # type: ignore[var-annotated]
        server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        server.daemon_threads = True
        server.shop = self  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        skills = sorted(["find", "dear", "fails", "ping"], key=lambda skill: skill != first)
        prices, profile = stage.at(f"{first}.prices.toml"), stage.at(f"{first}.agent.toml")
        Path(profile).write_text(PROFILE + "".join(SKILL.format(skill) for skill in skills))
        Path(prices).write_text(
            f"""
[seller]
server = "{stage.server}"
payee = "{stage.payee}"
key_file = "seller.json"
network = "toll:test"
public_url = "{self.url}"
asset = "CNY/2"
data = "{first}"
[upstream]
url = "http://127.0.0.1:{server.server_port}"
[[price]]
skill = "*"
amount = "0.30 CNY"
[[price]]
skill = "dear"
amount = "6.00 CNY"
[[free]]
skill = "ping"
"""
        )
        listen = ["--listen", f"127.0.0.1:{port}"]
        stage.start("seller", "a2a", "--config", prices, "--profile", profile, *listen)


class Trials:
    def __init__(self, stage: Stage, shop: Shop, binding: str) -> None:
        self.stage, self.shop, self.binding = stage, shop, binding

    @asynccontextmanager
    async def client(self) -> AsyncIterator[tuple[Client, AgentCard, httpx.AsyncClient]]:
        headers = {"authorization": f"Bearer {KEY}", "a2a-extensions": EXTENSION}
        async with httpx.AsyncClient(headers=headers, timeout=30) as http:
            card = await A2ACardResolver(http, self.shop.url).get_agent_card()
            bindings = [self.binding]
            config = ClientConfig(
                httpx_client=http, supported_protocol_bindings=bindings, use_client_preference=True
            )
            yield ClientFactory(config).create(card), card, http

    async def sent(self, client: Client, message: Message) -> Task:
        """Says something, and follows what comes of it to its end, as the official client does."""
        task = Task()
        async for event in client.send_message(SendMessageRequest(message=message)):
            if event.HasField("task"):
                task.CopyFrom(event.task)
            elif event.HasField("status_update"):
                task.status.CopyFrom(event.status_update.status)
            elif event.HasField("artifact_update"):
                task.artifacts.append(event.artifact_update.artifact)
        return task

    def message(self, words: str, metadata: dict[str, Any], task: Task | None = None) -> Message:
        message = Message(message_id=os.urandom(16).hex(), role=Role.ROLE_USER, parts=[Part(text=words)])
        ParseDict(metadata, message.metadata)
        if task is not None:
            message.task_id = task.id
        return message

    def paid(self, task: Task, max_price: str = "10.00 CNY") -> dict[str, Any]:
        """The payment for what a task asks, by the official x402 client; it waits for the payment service."""
        wallet = Wallet.open(self.stage.key, self.stage.server, purchases=MemoryStore())
        asked = MessageToDict(task.status.message)["metadata"]["x402.payment.required"]
        return asyncio.run(self._payload(wallet, asked, max_price))

    async def _payload(self, wallet: Wallet, asked: dict[str, Any], max_price: str) -> dict[str, Any]:
        client = register(x402Client(), wallet, max_price=max_price)
        payload = await client.create_payment_payload(PaymentRequired.model_validate(whole(asked)))
        return payload.model_dump(by_alias=True, exclude_none=True)

    async def buy(self, client: Client, skill: str, words: str) -> tuple[Task, dict[str, Any]]:
        task = await self.sent(client, self.message(words, {"tollbridge/skill": skill}))
        equal(task.status.state, TaskState.TASK_STATE_INPUT_REQUIRED)
        payment = await asyncio.to_thread(self.paid, task)
        return await self.shown(client, task, payment), payment

    async def shown(self, client: Client, task: Task, payment: dict[str, Any]) -> Task:
        metadata = {"x402.payment.status": "payment-submitted", "x402.payment.payload": payment}
        return await self.sent(client, self.message("paid", metadata, task))

    async def signed(self) -> None:
        async with self.client() as (_, card, http):
            keys: dict[str, PyJWK] = {}

            async def look() -> None:
                for signature in card.signatures:
                    url = f"{self.shop.url}/.well-known/jwks.json"
                    for key in (await http.get(url)).json()["keys"]:
                        keys[key["kid"]] = PyJWK.from_dict(key)
                    assert signature.protected and signature.signature

            await look()
            verify = create_signature_verifier(lambda kid, _: keys[str(kid)], ["EdDSA", "ES256"])
            verify(card)
            card.description = "Finds tolls."
            why = ""
            try:
                verify(card)
            except Exception as fault:
                why = type(fault).__name__
            equal(why, "InvalidSignaturesError")

    async def pays_once(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _, _http):
                done, payment = await self.buy(client, "find", "tolls")
                equal(done.status.state, TaskState.TASK_STATE_COMPLETED)
                equal(done.artifacts[0].parts[0].text, "find tolls")
                said = MessageToDict(done.status.message)["metadata"]
                equal(said["x402.payment.status"], "payment-completed")
                equal(said["x402.payment.receipts"][0]["success"], True)
                again = await self.shown(client, done, payment)
                equal(again.artifacts[0].parts[0].text, "find tolls")

        before = len(self.shop.asked)
        equal(await spent(self.stage, work), 30)
        equal(self.shop.asked[before:], [("/find", "tolls")])

    async def fails(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _, _http):
                done, _ = await self.buy(client, "fails", "luck")
                equal(done.status.state, TaskState.TASK_STATE_FAILED)
                said = MessageToDict(done.status.message)["metadata"]
                equal(said["x402.payment.error"], "SETTLEMENT_FAILED")

        equal(await spent(self.stage, work), 0)

    async def free(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _, _http):
                done = await self.sent(client, self.message("x", {"tollbridge/skill": "ping"}))
                equal(done.status.state, TaskState.TASK_STATE_COMPLETED)
                equal(done.artifacts[0].parts[0].text, "ping x")

        equal(await spent(self.stage, work), 0)

    async def denied(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _, _http):
                why = await rejection(self.buy(client, "dear", "x"))
                assert "Nothing was spent" in str(why), why

        equal(await spent(self.stage, work), 0)


def whole(value: Any) -> Any:
    """Numbers of a `Struct` are doubles; x402 wants those without a fraction as integers."""
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


CONTRACT = {
    "ping": """
version: 1
agent:
  url: {url}
  timeout: 20
  transport: {binding}
  headers: {{authorization: Bearer {key}}}
card:
  skills: {{contains: [find, ping]}}
  capabilities: {{streaming: true, push_notifications: false, extended_agent_card: false}}
  input_modes: {{contains: [text/plain]}}
invariants:
  text: {{not_contains: [Traceback]}}
defaults: {{trials: 3}}
scenarios:
  - name: an answer
    message: bridges
    expect: {{state: completed, text: {{contains: [ping bridges]}}}}
  - name: data
    data: [{{q: bridges}}]
    expect: {{state: completed, text: {{contains: ['"q"']}}}}
  - name: followed to its end
    trials: 1
    turns:
      - message: slowly
        return_immediately: true
        expect: {{state: submitted}}
      - action: get_task
        history_length: 1
        expect: {{state: submitted}}
      - action: cancel
        expect: {{state: canceled}}
      - action: get_task
        expect: {{state: canceled}}
""",
    "find": """
version: 1
agent:
  url: {url}
  timeout: 20
  transport: {binding}
  headers: {{authorization: Bearer {key}}}
  extensions: ["{extension}"]
defaults: {{trials: 3}}
scenarios:
  - name: a price
    turns:
      - message: bridges
        expect:
          state: input-required
          text: {{contains: [Nothing was spent. This costs 0.30 CNY]}}
      - action: get_task
        expect: {{state: input-required}}
      - action: cancel
        expect: {{state: canceled}}
""",
}


def proof(shop: Shop, first: str, binding: str) -> tuple[int, str]:
    """What a2a-proof says of an agent whose first skill is this, and its exit status."""
    text = CONTRACT[first].format(url=shop.url, binding=binding, key=KEY, extension=EXTENSION)
    contract = Path(shop.stage.at(f"{first}-{binding.replace('+', '-')}.yaml"))
    contract.write_text(text)
    program = Path(os.environ.get("TOLLBRIDGE_TOOLS", "")) / "a2a-proof"
    done = subprocess.run([str(program), "run", str(contract)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def main() -> None:
    stage = Stage()
    try:
        shops = {first: Shop(stage, first) for first in ("ping", "find")}
        for binding in ("JSONRPC", "HTTP+JSON"):
            trials, who = Trials(stage, shops["ping"], binding), f"{SDK} over {binding}"
            await trial(who, "the card is signed, and a changed one is not", trials.signed)
            await trial(who, "pays once, to the fen; the same payment again: the same task", trials.pays_once)
            await trial(who, "a skill that fails: nothing is spent", trials.fails)
            await trial(who, "a free skill: nothing is asked", trials.free)
            await trial(who, "over the agent's limit: denied, and nothing is spent", trials.denied)

            async def contract(first: str, binding: str = binding) -> None:
                status, report = await asyncio.to_thread(proof, shops[first], first, binding)
                equal((status, ""), (0, "" if status == 0 else report))

            who = f"{PROOF} over {binding}"
            await trial(who, "answers, lifecycle and card: no failure", lambda: contract("ping"))
            await trial(who, "a skill with a price asks for it: no failure", lambda: contract("find"))
    finally:
        for shop in shops.values():
            shop.go.set()
        stage.close()


asyncio.run(main())
