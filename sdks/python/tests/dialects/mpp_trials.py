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
from trials import CHEAP, GatewayTrials, Seen, again, equal, ran_as_written, rejection, spent, trial

from tollbridge import FileStore, MemoryStore, PurchaseStore, Wallet
from tollbridge.mpp import TollSession, toll, toll_seller

CLIENT = "pympp client → gateway"
SESSION = "pympp client, by session → gateway"
TICKS = "This is ticks.txt.\n"
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


class Ticking:
    """A session of a wallet of its own, or of one that keeps what it knows in `purchases`."""

    def __init__(self, trials: Trials, purchases: PurchaseStore | None = None, **options: str) -> None:
        self.trials = trials
        wallet = Wallet.open(trials.stage.key, trials.stage.server, purchases=purchases or MemoryStore())
        limits = {"max_price": "0.001 CNY", "cap": "0.50 CNY", "deposit": "0.50 CNY", **options}
        self.session = TollSession(wallet, **limits)
        self.seen = Seen()
        transport = PaymentTransport(methods=[self.session.method], inner=self.seen)
        self.client = httpx.AsyncClient(transport=transport)
        self.url = trials.page("ticks.txt")

    async def tick(self, times: int) -> None:
        for _ in range(times):
            self.trials.delivered(await self.client.get(self.url), TICKS)

    async def close(self, expected: str) -> None:
        equal((await self.session.close(self.url)).amount, expected)

    async def refused(self, expected: tuple[str, str]) -> None:
        why = await rejection(self.client.get(self.url))
        assert str(why).startswith("Nothing was spent"), repr(why)
        equal((type(why).__name__, getattr(why, "code")), expected)


class Sessions:
    """What is tried by session."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials

    async def to_the_fen(self) -> None:
        async def work() -> None:
            ticking = Ticking(self.trials)
            equal(await spent(self.trials.stage, lambda: ticking.tick(1)), 50)
            equal(await spent(self.trials.stage, lambda: ticking.tick(24)), 0)
            await ticking.close("3")

        equal(await spent(self.trials.stage, work), 3)

    async def same_voucher(self) -> None:
        ticking = Ticking(self.trials)
        await ticking.tick(5)
        for _ in range(3):
            self.trials.delivered(await again(ticking.seen), TICKS)
        await ticking.close("1")

    async def smaller(self) -> None:
        ticking = Ticking(self.trials)
        await ticking.tick(1)
        smaller = ticking.seen.last.headers["authorization"]
        await ticking.tick(4)
        latest = ticking.seen.last.headers["authorization"]
        async with httpx.AsyncClient() as plain:
            for url, shown in [(ticking.url, smaller), (f"{ticking.url}?again", latest)]:
                answer = await plain.get(url, headers={"authorization": shown})
                equal((answer.status_code, answer.json()["code"]), (402, "voucher_total"))
                equal(answer.json()["type"], "https://paymentauth.org/problems/session/insufficient-balance")
        await ticking.close("1")

    async def over_the_cap(self) -> None:
        ticking = Ticking(self.trials, cap="0.10 CNY", deposit="0.10 CNY")
        await ticking.tick(100)
        equal(await spent(self.trials.stage, lambda: ticking.refused(("DemandRefused", "cap_reached"))), 0)
        await ticking.close("10")

    async def not_opened(self) -> None:
        async def work() -> None:
            await Ticking(self.trials, max_price="0.00099 CNY").refused(("TooDear", "too_dear"))
            denied = Ticking(self.trials, cap="9.00 CNY", deposit="6.00 CNY")
            await denied.refused(("Refused", "payment_too_large"))
            asked = Ticking(self.trials, cap="9.00 CNY", deposit="2.00 CNY")
            equal(type(await rejection(asked.client.get(asked.url))).__name__, "OwnerAsked")

        equal(await spent(self.trials.stage, work), 0)

    async def killed(self) -> None:
        ticking = Ticking(self.trials)
        for _ in range(3):
            await ticking.tick(5)
            self.trials.stage.kill_gateway()
        await ticking.tick(5)
        await ticking.close("2")

    async def died(self) -> None:
        purchases = FileStore(self.trials.stage.at("sessions"))

        async def work() -> None:
            for _ in range(4):
                await Ticking(self.trials, purchases).tick(5)
            last = Ticking(self.trials, purchases)
            await last.tick(5)
            await last.close("3")

        equal(await spent(self.trials.stage, work), 3)

    async def as_written(self) -> None:
        async def work() -> None:
            said = await asyncio.to_thread(ran_as_written, self.trials.stage, "mpp.md", 1)
            equal(said, "spent 3\n")

        equal(await spent(self.trials.stage, work), 3)

    async def run(self) -> None:
        for what, run in [
            ("the program in docs/mpp.md", self.as_written),
            ("pays 25 calls of a tenth of a fen, to the fen, and the rest comes back", self.to_the_fen),
            ("the same voucher again: the same answer, and nothing moves", self.same_voucher),
            ("a voucher for less, or for another page: refused, and nothing is delivered", self.smaller),
            ("over the cap: the call beyond it is refused, and nothing more is set aside", self.over_the_cap),
            (
                "dearer than a call may be, over the agent's limit or above the owner's line: no channel",
                self.not_opened,
            ),
            ("a gateway that is killed in mid-session: nothing is counted twice", self.killed),
            ("a program that died: the next one goes on with its channel", self.died),
        ]:
            await trial(SESSION, what, run)


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
        await Sessions(trials).run()
    finally:
        shop.shutdown()
        shop.server_close()
        stage.close()


asyncio.run(main())
