"""A wallet in the hands of its agent: buys behind 402, pays, and says what may be spent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .attempts import Attempt, Attempts, Stage
from .batch import Batches
from .bill import ForeignBill, PaidBill, pay_bill
from .buy import Buyer, Fetch, buy
from .client import Client, Json, system_clock
from .errors import KeyFault, Malformed, OutcomeUnknown, Refused, reason_of
from .keys import Credentials, read_key_file
from .money import AmountLike, Money, money_of, read_money
from .payment import Payment, Purchase
from .receipt import Receipt, Recorded, verify_receipt
from .session import Session
from .store import FileStore, PurchaseStore

#: A rule about spending, as `docs` describe it: `kind` and what belongs to it.
Limit = dict[str, Any]


@dataclass(frozen=True)
class Allowed:
    """What is allowed to whom."""

    status: str
    limits: list[Limit]


@dataclass(frozen=True)
class Limits:
    """What may be spent."""

    available: Money
    held: Money
    wallet: Allowed
    agent: Allowed | None
    mandate: Allowed | None


class Wallet:
    """A wallet in the hands of its agent. Threads may share it."""

    def __init__(self, buyer: Buyer, vkey: str | None) -> None:
        """Use `Wallet.open` or `Wallet.of`."""
        self.client = buyer.client
        #: The wallet's id.
        self.id = buyer.wallet
        #: What is in it, such as `CNY/2`.
        self.asset = buyer.asset
        #: `toll:main` where real money is meant, or `toll:test`.
        self.network = buyer.network
        self._buyer = buyer
        self._vkey = vkey
        self._batches = Batches(buyer.client)
        self._turns: dict[str, tuple[threading.Lock, int]] = {}
        self._lock = threading.Lock()

    @staticmethod
    def open(
        key_file: str | os.PathLike[str] | None = None,
        server: str | None = None,
        *,
        wallet: str | None = None,
        mandate: str | None = None,
        purchases: PurchaseStore | str | os.PathLike[str] | None = None,
        payees: Sequence[str] = (),
        vkey: str | None = None,
        now: Callable[[], int] = system_clock,
    ) -> Wallet:
        """Opens a wallet with a key file (`TOLLBRIDGE_KEY`) at a server (`TOLLBRIDGE_SERVER`).

        - `wallet` (`TOLLBRIDGE_WALLET`): by default the one of the agent whose key it is.
        - `mandate`: by default the newest that is active.
        - `purchases` (`TOLLBRIDGE_PURCHASES`): where purchases are kept, a store or a directory.
        - `payees`: only these sellers; by default every one the server knows.
        - `vkey`: the log's keys, as `GET /log/vkey` said when you first met the server. Receipts are then checked.
        """
        path = key_file or os.environ.get("TOLLBRIDGE_KEY")
        if path is None:
            raise KeyFault("no key: name a key file, or set TOLLBRIDGE_KEY")
        return Wallet.of(
            read_key_file(path),
            server or os.environ.get("TOLLBRIDGE_SERVER") or "http://127.0.0.1:8402",
            wallet=wallet or os.environ.get("TOLLBRIDGE_WALLET"),
            mandate=mandate,
            purchases=purchases,
            payees=payees,
            vkey=vkey,
            now=now,
        )

    @staticmethod
    def of(
        by: Credentials,
        server: str,
        *,
        wallet: str | None = None,
        mandate: str | None = None,
        purchases: PurchaseStore | str | os.PathLike[str] | None = None,
        payees: Sequence[str] = (),
        vkey: str | None = None,
        now: Callable[[], int] = system_clock,
    ) -> Wallet:
        """The same with credentials of any kind."""
        client = Client(server, by, now)
        try:
            me = client.get("/v1/me")
            if me.get("id") is None:
                raise KeyFault("the key is nobody's who could buy")
            is_agent = me["kind"] == "agent"
            if wallet is None:
                if not is_agent:
                    raise KeyFault("whose wallet? say `wallet`, for the key is not an agent's")
                wallet = str(client.get(f"/v1/agents/{me['id']}")["wallet"])
            state = client.get(f"/v1/wallets/{wallet}")
            kept = _default_purchases() if purchases is None else purchases
            buyer = Buyer(
                client=client,
                me=me["id"],
                wallet=wallet,
                asset=state["available"]["asset"],
                network="toll:main" if state["livemode"] else "toll:test",
                mandate=mandate or (_newest_mandate(client, wallet) if is_agent else None),
                payees=payees,
                purchases=FileStore(kept) if isinstance(kept, (str, os.PathLike)) else kept,
            )
        except BaseException:
            client.close()
            raise
        return Wallet(buyer, vkey)

    def get(
        self,
        url: str,
        *,
        max_price: AmountLike,
        purchase: str,
        headers: dict[str, str] | None = None,
        why: str | None = None,
    ) -> Purchase:
        """Gets an address, and pays for it where it costs something: once for each purchase key.

        `max_price` is the most it may cost, such as `"0.05 CNY"`. The same `purchase` key buys once, whatever happens
        and however often it is asked. `why` is for the owner to read.
        """
        return self.fetch(url, max_price=max_price, purchase=purchase, headers=headers, why=why)

    def fetch(
        self,
        url: str,
        *,
        max_price: AmountLike,
        purchase: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | str = b"",
        why: str | None = None,
    ) -> Purchase:
        """The same for any request."""
        wanted = Fetch(
            url=url,
            method=method,
            headers={name.lower(): value for name, value in (headers or {}).items()},
            body=body.encode() if isinstance(body, str) else body,
            max_price=read_money(max_price, self._buyer.asset),
            purchase=purchase,
            why=why,
        )
        with self._in_turn(purchase):
            return buy(self._buyer, wanted)

    def pay_bill(self, bill: ForeignBill, *, max_price: AmountLike, why: str | None = None) -> PaidBill:
        """Pays a bill of another dialect, once; `tollbridge.x402` and `tollbridge.mpp` read such bills."""
        price = read_money(max_price, self.asset)
        with self._in_turn(bill.name):
            return pay_bill(self._buyer, bill, price, why)

    @contextmanager
    def session(self, name: str) -> Iterator[Session]:
        """A session at a seller, for one at a time; `tollbridge.mpp` speaks its vouchers."""
        with self._in_turn(f"session {name}"):
            yield Session(self._buyer, name)

    def pay(
        self,
        payee: str,
        amount: AmountLike,
        *,
        purchase: str | None = None,
        category: str | None = None,
        why: str | None = None,
        approval: str | None = None,
    ) -> Payment:
        """Pays at once. Payments that threads ask for together travel together, in arrays of at most 1,000.

        `purchase` names the payment in your own books: the same key pays once. Without one, each call pays.
        """
        money = read_money(amount, self._buyer.asset)
        new = self._new_payment(payee, money, category, why, approval)
        if purchase is None:
            return self._came(new, self._batches.pay([new])[0])
        with self._in_turn(purchase):
            return self._pay_once(purchase, new)

    def pay_all(self, payments: Sequence[tuple[str, AmountLike]]) -> list[Payment]:
        """Pays many, each a payee and an amount, in as few requests as there can be. Each is answered for
        itself.
        """
        asset = self._buyer.asset
        new = [
            self._new_payment(payee, read_money(amount, asset), None, None, None)
            for payee, amount in payments
        ]
        return [self._came(one, future) for one, future in zip(new, self._batches.pay(new))]

    def limits(self) -> Limits:
        """What may be spent: the wallet's money, and the limits of wallet, agent and mandate, all of which
        must agree.
        """
        me, mandate = self._buyer.me, self._buyer.mandate
        wallet = self.client.get(f"/v1/wallets/{self.id}")
        return Limits(
            available=money_of(wallet["available"]),
            held=money_of(wallet["held"]),
            wallet=_allowed(wallet),
            agent=_allowed(self.client.get(f"/v1/agents/{me}")) if me.startswith("agt_") else None,
            mandate=_allowed(self.client.get(f"/v1/mandates/{mandate}")) if mandate else None,
        )

    def receipt(self, of: Payment | int) -> dict[str, Any]:
        """The receipt of a payment, a denial or a question. Where the wallet was opened with the log's keys,
        it is checked.
        """
        entry = of if isinstance(of, int) else of.entry
        if entry is None:
            raise Malformed("a payment of which nothing is recorded has no receipt")
        receipt: dict[str, Any] = self.client.get(f"/v1/entries/{entry}/receipt")
        if self._vkey is not None:
            self.verify(receipt)
        return receipt

    def verify(self, receipt: Receipt) -> Recorded:
        """Checks a receipt with the log's keys that the wallet was opened with. Asks nobody."""
        if self._vkey is None:
            raise Malformed("no keys to check with: open the wallet with `vkey`")
        return verify_receipt(receipt, self._vkey)

    def close(self) -> None:
        """Closes the connections to the server."""
        self.client.close()

    def __enter__(self) -> Wallet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pay_once(self, purchase: str, new: dict[str, Any]) -> Payment:
        attempts = Attempts(self._buyer.purchases, purchase)
        money = money_of(new["amount"])
        request = f"pay {new['payee']} {money.amount} {money.asset} {new['category'] or ''}"
        attempt = attempts.last(request)
        if attempt is not None and attempt.stage == "paid":
            return Payment("paid", attempt.id, attempt.amount, attempt.entry)
        if attempt is None or attempt.stage != "begun":
            asked = attempt.question if attempt is not None and attempt.stage == "asked" else None
            attempt = attempts.begin(
                Attempt(
                    purchase=purchase,
                    request=request,
                    wallet=new["wallet"],
                    id=new["id"],
                    amount=money,
                    billed_at=self.client.now(),
                    stage="begun",
                    mandate=new["mandate"],
                    approval=new["approval"] or asked,
                )
            )
        kept = {
            "id": attempt.id,
            "wallet": attempt.wallet,
            "mandate": attempt.mandate,
            "approval": attempt.approval,
        }
        again = new | kept
        try:
            payment = self._came(again, self._batches.pay([again])[0])
        except Refused as fault:
            payment = self._after_rejection(attempt, fault)
            if payment.state == "denied":
                # What was not recorded leaves the name free, unless it is too old: then the next call takes another.
                if fault.code == "id_stale":
                    attempts.keep(replace(attempt, stage="refused"))
                raise
        stages: dict[str, Stage] = {"paid": "paid", "asked": "asked", "denied": "refused"}
        if stage := stages.get(payment.state):
            attempts.keep(replace(attempt, stage=stage, entry=payment.entry, question=payment.question))
        return payment

    def _after_rejection(self, attempt: Attempt, refused: Refused) -> Payment:
        """A no that was not recorded: an earlier try of ours may have been taken all the same."""
        id, amount = attempt.id, attempt.amount
        try:
            found = self.client.get(f"/v1/payments/{id}")
        except Refused as fault:
            if fault.problem["status"] == 404:
                return Payment("denied", id, amount, problem=refused.problem)
            return Payment("unknown", id, amount, why=reason_of(fault))
        except OutcomeUnknown as fault:
            return Payment("unknown", id, amount, why=reason_of(fault))
        if found["status"] == "paid":
            return Payment("paid", id, amount, found["entry"])
        return Payment("unknown", id, amount, why=f"the server says `{found['status']}`")

    def _new_payment(
        self, payee: str, amount: Money, category: str | None, why: str | None, approval: str | None
    ) -> dict[str, Any]:
        return {
            "id": self.client.fresh_id("pay"),
            "wallet": self.id,
            "mandate": self._buyer.mandate,
            "payee": payee,
            "amount": amount.to_json(),
            "category": category,
            "approval": approval,
            "why": why,
        }

    def _came(self, new: dict[str, Any], future: Future[Json]) -> Payment:
        """What came of one payment of an array."""
        id, amount = new["id"], money_of(new["amount"])
        try:
            result = future.result()
        except Refused as fault:
            if not fault.is_unknown:
                raise
            return Payment("unknown", id, amount, why=reason_of(fault))
        except OutcomeUnknown as fault:
            return Payment("unknown", id, amount, why=reason_of(fault))
        if result.get("answer"):
            return Payment("paid", id, amount, result["answer"]["entry"])
        if asked := result.get("asked"):
            return Payment("asked", id, amount, asked["entry"], asked["ask"], asked["id"])
        problem = result.get("problem")
        if problem is None or 500 <= problem["status"]:
            why = problem["detail"] if problem else f"status {result['status']} says nothing"
            return Payment("unknown", id, amount, why=why)
        # A recorded no is a state; one that was not recorded is an error of the request.
        if problem.get("entry") is None:
            raise Refused(problem)
        if problem["code"] == "approval_pending" and new["approval"] is not None:
            return Payment("asked", id, amount, problem["entry"], problem["code"], new["approval"])
        return Payment("denied", id, amount, problem=problem)

    @contextmanager
    def _in_turn(self, purchase: str) -> Iterator[None]:
        """One at a time for each purchase key."""
        with self._lock:
            turn, users = self._turns.get(purchase, (threading.Lock(), 0))
            self._turns[purchase] = (turn, users + 1)
        try:
            with turn:
                yield
        finally:
            with self._lock:
                _, users = self._turns[purchase]
                if users == 1:
                    del self._turns[purchase]
                else:
                    self._turns[purchase] = (turn, users - 1)


def _default_purchases() -> Path:
    """Where purchases are kept unless somebody says otherwise."""
    return Path(os.environ.get("TOLLBRIDGE_PURCHASES") or Path.home() / ".tollbridge" / "sdk-purchases")


def _allowed(answer: Json) -> Allowed:
    return Allowed(answer["status"], answer["limits"])


def _newest_mandate(client: Client, wallet: str) -> str | None:
    for mandate in client.list("/v1/mandates", limit=100).data:
        if mandate["wallet"] == wallet and mandate["status"] == "active":
            return str(mandate["id"])
    return None
