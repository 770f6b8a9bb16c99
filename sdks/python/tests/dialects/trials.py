"""Trials of official packages: each is one row of `docs/interop.md`. A trial that fails is written down and does not
stop the others; who runs them judges by the list of known failures."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from stage import Stage

from tollbridge import MemoryStore, Wallet

CHEAP = "This is cheap.txt.\n"

_RESULTS = os.environ.get("TOLLBRIDGE_RESULTS")
_ONLY = os.environ.get("TOLLBRIDGE_TRIAL", "")


async def trial(who: str, what: str, run: Callable[[], Awaitable[None]]) -> None:
    """Runs one trial of `who`, and writes down what came of it."""
    if _ONLY not in f"{who}: {what}":
        return
    failure = ""
    try:
        await run()
    except Exception:
        failure = traceback.format_exc()
    print(f"{'FAILED' if failure else 'ok'} {who}: {what}\n{failure}".rstrip(), flush=True)
    if _RESULTS:
        row = {
            "program": os.environ.get("TOLLBRIDGE_PROGRAM"),
            "who": who,
            "what": what,
            "result": "failed" if failure else "ok",
        }
        with open(_RESULTS, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


async def spent(stage: Stage, work: Callable[[], Awaitable[None]]) -> int:
    """What `work` takes from the wallet, in fen. Money that is held is taken."""
    before = stage.left()
    await work()
    return before - stage.left()


async def rejection(work: Awaitable[object]) -> Exception:
    """What `work` is refused with."""
    try:
        await work
    except Exception as fault:
        return fault
    raise AssertionError("it was not refused")


def equal(found: object, expected: object) -> None:
    assert found == expected, f"{found!r} is not {expected!r}"


_LINES_MAX = 15


def ran_as_written(stage: Stage, page: str, place: int = 0) -> str:
    """Runs a program of a page in `docs`, as a reader finds it there, at this stage; what it said."""
    text = (Path(os.environ["TOLLBRIDGE_DOCS"]) / page).read_text(encoding="utf-8")
    program = text.split("```python\n")[1 + place].split("```")[0]
    assert len(program.splitlines()) <= _LINES_MAX, page
    ours = (
        program.replace("http://127.0.0.1:8410/tolls.txt", f"{stage.gateway}/cheap.txt")
        .replace("http://127.0.0.1:8410/ticks.txt", f"{stage.gateway}/ticks.txt")
        .replace("http://127.0.0.1:8402", stage.server)
        .replace("agent.json", stage.key)
    )
    environment = os.environ | {"TOLLBRIDGE_PURCHASES": stage.at("examples")}
    words = [sys.executable, "-c", ours]
    return subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


class Seen(httpx.AsyncHTTPTransport):
    """Remembers the last request."""

    last: httpx.Request

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.last = request
        return await super().handle_async_request(request)


class GatewayTrials(ABC):
    """What every client is tried with at our gateway, whatever dialect it speaks."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @abstractmethod
    def client(self, max_price: str = "10.00 CNY") -> tuple[httpx.AsyncClient, Seen]:
        """A client that pays by itself, and what it sends."""

    @abstractmethod
    def delivered(self, answer: httpx.Response, text: str = CHEAP) -> str:
        """Holds a paid answer against what it has to say; the hold that it names."""

    def wallet(self) -> Wallet:
        return Wallet.open(self.stage.key, self.stage.server, purchases=MemoryStore())

    def page(self, name: str) -> str:
        return f"{self.stage.gateway}/{name}"

    async def run(self, who: str, page: str) -> None:
        """Runs the trials of `who`, whose program is on `page` in `docs`."""

        async def as_written() -> None:
            await self.read_and_run(page)

        await trial(who, "pays once, to the fen", self.pays_once)
        await trial(who, f"the program in docs/{page}", as_written)
        await trial(who, "the same proof again: the same answer, and nothing moves", self.same_proof)
        await trial(who, "four clients at once: four payments", self.four)

    async def pays_once(self) -> None:
        client, _ = self.client()

        async def work() -> None:
            self.delivered(await client.get(self.page("cheap.txt")))

        equal(await spent(self.stage, work), 30)

    async def read_and_run(self, page: str) -> None:
        async def work() -> None:
            equal(ran_as_written(self.stage, page), f"200 {CHEAP}\n")

        equal(await spent(self.stage, work), 30)

    async def same_proof(self) -> None:
        client, seen = self.client()
        first = self.delivered(await client.get(self.page("cheap.txt")))

        async def work() -> None:
            equal(self.delivered(await again(seen)), first)

        equal(await spent(self.stage, work), 0)

    async def four(self) -> None:
        clients = [self.client()[0] for _ in range(4)]
        await self.four_at(clients, self.page("cheap.txt"), CHEAP, 120)

    async def four_at(self, clients: list[httpx.AsyncClient], url: str, text: str, cost: int) -> None:
        async def work() -> None:
            answers = await asyncio.gather(*(one.get(url) for one in clients))
            equal(len({self.delivered(answer, text) for answer in answers}), 4)

        equal(await spent(self.stage, work), cost)


async def again(seen: Seen) -> httpx.Response:
    """Shows the last request once more, without a client that pays."""
    async with httpx.AsyncClient() as plain:
        return await plain.get(seen.last.url, headers=seen.last.headers)
