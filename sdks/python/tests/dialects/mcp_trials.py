"""The official x402 package for Python over MCP, with the official MCP client: it buys tools of an official MCP server, on which
we put prices."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from stage import Stage
from trials import equal, rejection, spent, trial
from x402 import x402Client
from x402.mcp.client import MCPToolCallResult, x402MCPSession
from x402.schemas.responses import SettleResponse

from tollbridge import MemoryStore, Wallet
from tollbridge.x402 import refusal, register

WHO = "python x402, mcp → tollbridge seller → mcp"
PAYMENT = "x402/payment"


class Seen(ClientSession):
    """Remembers the last payment."""

    payment: Any = None

    async def call_tool(self, *words: Any, **named: Any) -> Any:
        self.payment = (named.get("meta") or {}).get(PAYMENT) or self.payment
        return await super().call_tool(*words, **named)


def settled(got: MCPToolCallResult) -> SettleResponse:
    """What came of the payment that was made."""
    assert got.payment_made and isinstance(got.payment_response, SettleResponse), got
    return got.payment_response


class Trials:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.calls = Path(stage.at("calls"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        Path(stage.at("tools.toml")).write_text(
            f"""
[seller]
server = "{stage.server}"
payee = "{stage.payee}"
key_file = "seller.json"
network = "toll:test"
public_url = "http://127.0.0.1:{port}"
asset = "CNY/2"
data = "tools"
[[price]]
tool = "*"
amount = "0.30 CNY"
[[price]]
tool = "dear"
amount = "6.00 CNY"
[[free]]
tool = "ping"
"""
        )
        words = ["seller", "mcp", "--config", stage.at("tools.toml"), "--listen", f"127.0.0.1:{port}"]
        workshop = str(Path(__file__).with_name("workshop.py"))
        stage.start(*words, "--", sys.executable, workshop, str(self.calls))
        self.url = f"http://127.0.0.1:{port}/mcp"

    def asked(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    @asynccontextmanager
    async def client(self, max_price: str = "10.00 CNY") -> AsyncIterator[tuple[x402MCPSession, Seen]]:
        wallet = Wallet.open(self.stage.key, self.stage.server, purchases=MemoryStore())
        official = register(x402Client(), wallet, max_price=max_price)
        async with streamable_http_client(self.url) as (read, write, _), Seen(read, write) as session:
            client = x402MCPSession(session, official)
            await client.initialize()
            yield client, session

    async def listed(self) -> None:
        async with self.client() as (client, _):
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            equal(tools["search"].description, "Finds things.\n\nEach call costs 0.30 CNY.")
            equal(tools["search"].meta["tollbridge/price"]["amount"], "30")
            equal(tools["ping"].description, "Costs nothing.")

    async def pays_once(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _):
                got = await client.call_tool("search", {"query": "tolls"})
                equal((got.is_error, got.content[0].text), (False, "found tolls"))
                said = settled(got)
                equal((said.success, said.network), (True, "toll:test"))

        equal(await spent(self.stage, work), 30)
        equal(self.asked(), ["tolls"])

    async def same_payment(self) -> None:
        async with self.client() as (client, session):
            first = await client.call_tool("search", {"query": "again"})
            meta = {PAYMENT: session.payment}

            async def work() -> None:
                again = await session.call_tool("search", {"query": "again"}, meta=meta)
                equal(again.content[0].text, first.content[0].text)
                moved = await session.call_tool("search", {"query": "another"}, meta=meta)
                assert moved.isError and "accepts" in moved.structuredContent, moved

            equal(await spent(self.stage, work), 0)
        equal((self.asked().count("again"), self.asked().count("another")), (1, 0))

    async def fails(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _):
                got = await client.call_tool("fails", {"query": "luck"})
                assert got.is_error and "no luck" in got.content[0].text, got
                equal(settled(got).success, False)

        equal(await spent(self.stage, work), 0)

    async def free(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _):
                got = await client.call_tool("ping")
                equal((got.content[0].text, got.payment_made), ("pong", False))

        equal(await spent(self.stage, work), 0)

    async def denied(self) -> None:
        async def work() -> None:
            async with self.client() as (client, _):
                why = refusal(await rejection(client.call_tool("dear", {"query": "x"})))
                assert why is not None and str(why).startswith("Nothing was spent"), why
                equal((type(why).__name__, why.code), ("Refused", "payment_too_large"))

        equal(await spent(self.stage, work), 0)

    async def above_the_cap(self) -> None:
        async def work() -> None:
            async with self.client("0.29 CNY") as (client, _):
                why = await rejection(client.call_tool("search", {"query": "x"}))
                assert "spend_controls" in str(why), why

        equal(await spent(self.stage, work), 0)


async def main() -> None:
    stage = Stage()
    try:
        trials = Trials(stage)
        await trial(WHO, "the list says each price, in words and for programs", trials.listed)
        await trial(WHO, "pays once, to the fen", trials.pays_once)
        what = "the same payment again: the same result; for other arguments: refused; and nothing moves"
        await trial(WHO, what, trials.same_payment)
        await trial(WHO, "a tool that fails: nothing is spent", trials.fails)
        await trial(WHO, "a free tool: nothing is asked", trials.free)
        await trial(WHO, "over the agent's limit: denied, and nothing is spent", trials.denied)
        await trial(WHO, "above the cap: the client's own spend control refuses", trials.above_the_cap)
    finally:
        stage.close()


asyncio.run(main())
