"""The official x402 package for Python: its client over httpx at our gateway."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from stage import Incoming, Stage
from trials import CHEAP, GatewayTrials, Seen, equal, rejection, spent, trial
from x402 import x402Client, x402ResourceServer
from x402.http import HTTPFacilitatorClient, decode_payment_response_header
from x402.http.clients.httpx import x402AsyncTransport
from x402.http.middleware.fastapi import payment_middleware

from tollbridge.x402 import TollSeller, facilitator, refusal, register

WHO = "python x402, httpx → gateway"
SHOP = "python x402, httpx → python x402, fastapi → facilitator"
# How long a gateway may take to confirm what it has delivered.
TAKEN_MAX_SECONDS = 10


class Trials(GatewayTrials):
    def client(self, max_price: str = "10.00 CNY") -> tuple[httpx.AsyncClient, Seen]:
        seen = Seen()
        return self.client_over(seen, max_price), seen

    def client_over(self, inner: httpx.AsyncBaseTransport, max_price: str = "10.00 CNY") -> httpx.AsyncClient:
        official = register(x402Client(), self.wallet(), max_price=max_price)
        return httpx.AsyncClient(
            transport=x402AsyncTransport(official, inner), base_url="http://shop.example"
        )

    def delivered(self, answer: httpx.Response, text: str = CHEAP) -> str:
        equal((answer.status_code, answer.text), (200, text))
        said = decode_payment_response_header(answer.headers["payment-response"])
        equal((said.success, said.network), (True, "toll:test"))
        return said.transaction

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

    async def by_the_byte(self) -> None:
        client, _ = self.client()
        text = "This is counted.txt.\n"

        async def work() -> None:
            hold = self.delivered(await client.get(self.page("counted.txt")), text)
            with self.wallet() as wallet:
                until = time.monotonic() + TAKEN_MAX_SECONDS
                while wallet.client.get(f"/v1/holds/{hold}")["status"] != "captured":
                    assert time.monotonic() < until, f"{hold} was not taken"
                    await asyncio.sleep(0.05)

        equal(await spent(self.stage, work), len(text))

    async def shop_once(self) -> None:
        client = self.client_over(httpx.ASGITransport(open_shop(self.stage)))

        async def work() -> None:
            transaction = self.delivered(await client.get("/weather"), "sunny")
            with self.wallet() as wallet:
                equal(wallet.client.get(f"/v1/holds/{transaction}")["status"], "captured")

        equal(await spent(self.stage, work), 40)

    async def shop_four(self) -> None:
        shop = httpx.ASGITransport(open_shop(self.stage))
        await self.four_at([self.client_over(shop) for _ in range(4)], "/weather", "sunny", 160)


def open_shop(stage: Stage) -> FastAPI:
    """A shop of somebody else, with our server as its facilitator."""
    resources = x402ResourceServer(HTTPFacilitatorClient(facilitator(stage.server)))
    resources.register("toll:test", TollSeller(stage.server, "CNY/2"))
    accepts = {"scheme": "exact", "network": "toll:test", "payTo": stage.payee, "price": "0.40 CNY"}
    routes: Any = {"GET /weather": {"accepts": accepts}}
    paid = payment_middleware(routes, resources)
    shop = FastAPI()

    @shop.middleware("http")
    async def sold(request: Request, call_next: Any) -> Response:
        return await paid(request, call_next)

    @shop.get("/weather")
    async def weather() -> Response:
        return Response("sunny", media_type="text/plain")

    return shop


async def main() -> None:
    stage = Stage()
    try:
        trials = Trials(stage)
        await trials.run(WHO, "x402.md")
        await trial(WHO, "over the agent's limit: denied, and nothing is spent", trials.denied)
        await trial(WHO, "above the owner's line: she is asked, and nothing is spent", trials.asked)
        what = "above the cap: the client's own spend control refuses, and we are not asked"
        await trial(WHO, what, trials.above_the_cap)
        what = "`upto`, a price by the byte: held in full, and only what it came to is taken"
        await trial(WHO, what, trials.by_the_byte)
        await trial(SHOP, "pays once, to the fen", trials.shop_once)
        await trial(SHOP, "four clients at once: four payments", trials.shop_four)
    finally:
        stage.close()


asyncio.run(main())
