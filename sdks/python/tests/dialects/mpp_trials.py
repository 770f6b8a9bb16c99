"""The official `pympp` of the `Payment` scheme for Python: its client at our gateway, and its server."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from mpp import Receipt
from mpp.client.transport import PaymentTransport
from mpp.server.http import Request, Response
from mpp.server.mpp import Mpp
from stage import Stage
from trials import CHEAP, GatewayTrials, Seen, again, equal, rejection, spent, trial

from tollbridge.mpp import toll, toll_seller

CLIENT = "pympp client → gateway"
SERVER = "pympp client → pympp server → /v1/mpp/settle"


class Trials(GatewayTrials):
    def __init__(self, stage: Stage, shop: str) -> None:
        super().__init__(stage)
        self.shop = shop

    def client(self, max_price: str = "10.00 CNY") -> tuple[httpx.AsyncClient, Seen]:
        seen = Seen()
        transport = PaymentTransport(methods=[toll(self.wallet(), max_price=max_price)], inner=seen)
        return httpx.AsyncClient(transport=transport), seen

    def delivered(self, answer: httpx.Response, text: str = CHEAP) -> str:
        equal((answer.status_code, answer.text), (200, text))
        receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
        equal((receipt.status, receipt.method), ("success", "toll"))
        return receipt.reference

    async def refused(self, page: str, max_price: str, expected: tuple[str, str]) -> None:
        client, _ = self.client(max_price)

        async def work() -> None:
            why = await rejection(client.get(self.page(page)))
            assert str(why).startswith("Nothing was spent"), repr(why)
            equal((type(why).__name__, getattr(why, "next")), expected)

        equal(await spent(self.stage, work), 0)

    async def denied(self) -> None:
        await self.refused("denied.txt", "10.00 CNY", ("Refused", "ask_owner"))

    async def asked(self) -> None:
        await self.refused("asked.txt", "10.00 CNY", ("OwnerAsked", "ask_owner"))

    async def above_the_cap(self) -> None:
        await self.refused("cheap.txt", "0.29 CNY", ("TooDear", "new_id"))

    async def shop_once(self) -> None:
        client, _ = self.client()

        async def work() -> None:
            reference = self.delivered(await client.get(self.shop), "sunny")
            with self.wallet() as wallet:
                equal(wallet.client.get(f"/v1/holds/{reference}")["status"], "captured")

        equal(await spent(self.stage, work), 40)

    async def shop_again(self) -> None:
        client, seen = self.client()
        self.delivered(await client.get(self.shop), "sunny")

        async def work() -> None:
            equal((await again(seen)).status_code, 402)

        equal(await spent(self.stage, work), 0)

    async def shop_four(self) -> None:
        await self.four_at([self.client()[0] for _ in range(4)], self.shop, "sunny", 160)


def open_shop(stage: Stage) -> ThreadingHTTPServer:
    """A shop of somebody else, that collects at our server."""
    seller = toll_seller(server=stage.server, payee=stage.payee, asset="CNY/2", network="toll:test")
    shop = Mpp(methods=[seller], realm="shop.example", secret_key="a secret of the shop, for trials only")

    class Shop(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def do_GET(self) -> None:
            asked = Request("GET", f"http://shop.example{self.path}", dict(self.headers.items()))
            came = asyncio.run(shop.charge(amount="0.40 CNY")(asked))
            answer = came.challenge if came.status != 200 else came.with_receipt(Response(200, {}, "sunny"))
            body = answer.body or b""
            self.send_response(answer.status)
            for name, value in answer.headers.multi_items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


async def main() -> None:
    stage = Stage()
    shop = open_shop(stage)
    try:
        trials = Trials(stage, f"http://127.0.0.1:{shop.server_port}/weather")
        await trials.run(CLIENT, "mpp.md")
        await trial(CLIENT, "over the agent's limit: denied, and nothing is spent", trials.denied)
        await trial(CLIENT, "above the owner's line: she is asked, and nothing is spent", trials.asked)
        await trial(CLIENT, "above the cap: refused before we are asked", trials.above_the_cap)
        await trial(SERVER, "pays once, to the fen", trials.shop_once)
        await trial(SERVER, "the same proof again: refused, and nothing moves", trials.shop_again)
        await trial(SERVER, "four clients at once: four payments", trials.shop_four)
    finally:
        shop.shutdown()
        shop.server_close()
        stage.close()


asyncio.run(main())
