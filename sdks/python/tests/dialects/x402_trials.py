"""The official x402 package for Python: its client over httpx at our gateway."""

from __future__ import annotations

import asyncio

import httpx
from stage import Incoming, Stage
from trials import equal, ran_as_written, rejection, spent, trial
from x402 import x402Client
from x402.http import decode_payment_response_header
from x402.http.clients.httpx import x402AsyncTransport

from tollbridge import MemoryStore, Wallet
from tollbridge.x402 import refusal, register

WHO = "python x402, httpx → gateway"
CHEAP = "This is cheap.txt.\n"


class Seen(httpx.AsyncHTTPTransport):
    """Remembers the last request."""

    last: httpx.Request

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.last = request
        return await super().handle_async_request(request)


class Trials:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def client(self, max_price: str = "10.00 CNY") -> tuple[httpx.AsyncClient, Seen]:
        wallet = Wallet.open(self.stage.key, self.stage.server, purchases=MemoryStore())
        official = register(x402Client(), wallet, max_price=max_price)
        seen = Seen()
        return httpx.AsyncClient(transport=x402AsyncTransport(official, seen)), seen

    def page(self, name: str) -> str:
        return f"{self.stage.gateway}/{name}"

    def delivered(self, answer: httpx.Response) -> str:
        equal((answer.status_code, answer.text), (200, CHEAP))
        said = decode_payment_response_header(answer.headers["payment-response"])
        equal((said.success, said.network), (True, "toll:test"))
        return said.transaction

    async def pays_once(self) -> None:
        client, _ = self.client()

        async def work() -> None:
            self.delivered(await client.get(self.page("cheap.txt")))

        equal(await spent(self.stage, work), 30)

    async def as_written(self) -> None:
        async def work() -> None:
            equal(ran_as_written(self.stage, "x402.md"), f"200 {CHEAP}\n")

        equal(await spent(self.stage, work), 30)

    async def same_proof(self) -> None:
        client, seen = self.client()
        first = self.delivered(await client.get(self.page("cheap.txt")))

        async def work() -> None:
            async with httpx.AsyncClient() as plain:
                again = await plain.get(seen.last.url, headers=seen.last.headers)
            equal(self.delivered(again), first)

        equal(await spent(self.stage, work), 0)

    async def denied(self) -> None:
        client, _ = self.client()

        async def work() -> None:
            why = refusal(await rejection(client.get(self.page("denied.txt"))))
            assert why is not None and str(why).startswith("Nothing was spent"), why
            equal((type(why).__name__, why.code), ("Refused", "payment_too_large"))

        equal(await spent(self.stage, work), 0)

    async def asked(self) -> None:
        client, _ = self.client()

        async def work() -> None:
            why = refusal(await rejection(client.get(self.page("asked.txt"))))
            assert why is not None
            equal((type(why).__name__, why.next), ("OwnerAsked", "ask_owner"))

        equal(await spent(self.stage, work), 0)

    async def above_the_cap(self) -> None:
        client, _ = self.client("0.29 CNY")
        asked: list[str] = []

        def before(request: Incoming, body: bytes) -> bool:
            asked.append(request.path)
            return True

        self.stage.server_door.before = before
        try:
            why = await rejection(client.get(self.page("cheap.txt")))
        finally:
            self.stage.server_door.reset()
        assert "spend_controls" in str(why), why
        assert "/v1/x402/pay" not in asked, asked

    async def four(self) -> None:
        clients = [self.client()[0] for _ in range(4)]

        async def work() -> None:
            answers = await asyncio.gather(*(one.get(self.page("cheap.txt")) for one in clients))
            equal(len({self.delivered(answer) for answer in answers}), 4)

        equal(await spent(self.stage, work), 120)


async def main() -> None:
    stage = Stage()
    try:
        trials = Trials(stage)
        await trial(WHO, "pays once, to the fen", trials.pays_once)
        await trial(WHO, "the program in docs/x402.md", trials.as_written)
        await trial(WHO, "the same proof again: the same answer, and nothing moves", trials.same_proof)
        await trial(WHO, "over the agent's limit: denied, and nothing is spent", trials.denied)
        await trial(WHO, "above the owner's line: she is asked, and nothing is spent", trials.asked)
        what = "above the cap: the client's own spend control refuses, and we are not asked"
        await trial(WHO, what, trials.above_the_cap)
        await trial(WHO, "four clients at once: four payments", trials.four)
    finally:
        stage.close()


asyncio.run(main())
