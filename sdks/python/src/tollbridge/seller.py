"""A seller: asks whether a proof counts, says how a delivery ended, and reads what came in."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, NotRequired, TypedDict

from .client import Client, Json, Page, system_clock
from .errors import KeyFault
from .keys import Credentials, read_key_file
from .money import AmountLike, read_money


class Facts(TypedDict):
    """One HTTP request as it arrived at a seller, as far as a payment is bound to it."""

    request_method: str
    request_fingerprint: str
    resource_id: str
    out_trade_no: str
    idempotency_key: NotRequired[str]


class Seller:
    """A payee of the server, with its key."""

    def __init__(self, client: Client, id: str, asset: str) -> None:
        """Use `Seller.open` or `Seller.of`."""
        self.client = client
        #: The payee's id.
        self.id = id
        self._asset = asset

    @staticmethod
    def open(
        key_file: str | os.PathLike[str] | None = None,
        server: str | None = None,
        now: Callable[[], int] = system_clock,
    ) -> Seller:
        """Opens a seller's account with a key file (`TOLLBRIDGE_KEY`) at a server (`TOLLBRIDGE_SERVER`)."""
        path = key_file or os.environ.get("TOLLBRIDGE_KEY")
        if path is None:
            raise KeyFault("no key: name a key file, or set TOLLBRIDGE_KEY")
        at = server or os.environ.get("TOLLBRIDGE_SERVER") or "http://127.0.0.1:8402"
        return Seller.of(read_key_file(path), at, now)

    @staticmethod
    def of(by: Credentials, server: str, now: Callable[[], int] = system_clock) -> Seller:
        """The same with credentials of any kind."""
        client = Client(server, by, now)
        try:
            me = client.get("/v1/me")
            if me["kind"] != "payee":
                raise KeyFault("the key is not a seller's")
            return Seller(client, me["id"], client.get(f"/v1/payees/{me['id']}")["asset"])
        except BaseException:
            client.close()
            raise

    def verify(self, payment_proof: str, facts: Facts) -> Json:
        """Asks whether a `Payment-Proof` counts for this request, and redeems it: once, for one delivery."""
        body = {"payment_proof": payment_proof, "facts": facts}
        return self.client.request("POST", "/v1/a402/verify", body, idempotency_key=self.client.fresh_key())[
            1
        ]

    def confirm(
        self, trade_no: str, outcome: Literal["fulfilled", "failed"], amount: AmountLike | None = None
    ) -> Json:
        """Says how a delivery ended: the money moves, or goes back.

        `amount` is what it cost, where that is less than what is held.
        """
        cost = None if amount is None else read_money(amount, self._asset).to_json()
        body = {"trade_no": trade_no, "outcome": outcome, "amount": cost}
        return self.client.request("POST", "/v1/a402/confirm", body, idempotency_key=self.client.fresh_key())[
            1
        ]

    def trade(self, trade_no: str) -> Json:
        """Where a trade stands."""
        return self.client.get(f"/v1/a402/trades/{trade_no}")

    def payments(self, limit: int | None = None, cursor: str | None = None) -> Page:
        """One page of what came in."""
        return self.client.list("/v1/payments", limit, cursor)
