"""Paying what is asked for in another dialect: each bill once, and within a price.

The bill and the name of its payment are kept before it is paid. The same bill is the same payment, however often its
client asks, and also after a crash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .address import parse_address
from .attempts import Attempt, Attempts
from .buy import Buyer
from .errors import (
    DemandRefused,
    Malformed,
    OutcomeUnknown,
    OwnerAsked,
    Refused,
    TollbridgeError,
    TooDear,
    reason_of,
)
from .limits import AMOUNT_MAX
from .money import Money


@dataclass(frozen=True)
class ForeignBill:
    """What is asked for, as far as this package compares it; the payment service reads the same text more strictly."""

    #: Where the server pays in this dialect.
    path: str
    #: Names the bill: what has the same name is paid once.
    name: str
    network: object
    payee: object
    #: In smallest units.
    amount: object
    #: The code of the asset, and its decimals.
    currency: object
    decimals: object
    #: The payment service that it names, if any.
    authority: object
    #: What the server is told of it.
    asked: Mapping[str, str]


@dataclass(frozen=True)
class PaidBill:
    """A bill that was paid: the money is held for the seller."""

    #: The payment's name.
    id: str
    amount: Money
    entry: int | None
    #: What shows the seller that it was paid.
    credential: str


def pay_bill(buyer: Buyer, bill: ForeignBill, max_price: Money, why: str | None) -> PaidBill:
    """Pays a bill once, or learns that it was paid.

    Raises `TooDear`, `DemandRefused`, `Refused` or `OwnerAsked`, where nothing was spent, and `OutcomeUnknown` where
    nobody can say: asking again for the same bill pays nothing twice.
    """
    payee, amount = _read(bill)
    attempts = Attempts(buyer.purchases, bill.name)
    request = f"bill {payee} {amount.amount} {amount.asset}"
    attempt = last = attempts.last(request)
    if attempt is None or attempt.stage != "paid":
        try:
            _check(buyer, bill, payee, amount, max_price)
        except (DemandRefused, TooDear) as fault:
            # It may be paid, so "nothing was spent" would be too much said.
            if attempt is not None and attempt.stage == "begun":
                raise OutcomeUnknown("what may be paid was changed since") from fault
            raise
    if attempt is None or attempt.stage not in ("begun", "paid"):
        # A yes is for the very text that was asked about.
        kept = last.payment_needed if last is not None else None
        attempt = attempts.begin(
            Attempt(
                purchase=bill.name,
                request=request,
                wallet=buyer.wallet,
                id=buyer.client.fresh_id("hld"),
                amount=amount,
                billed_at=buyer.client.now(),
                stage="begun",
                mandate=buyer.mandate,
                payment_needed=kept or json.dumps(dict(bill.asked), ensure_ascii=False),
                approval=last.question if last is not None and last.stage == "asked" else None,
            )
        )
    if attempt.stage != "paid":
        is_again = last is not None and last.stage == "begun"
        attempt = _send(buyer, bill, attempts, attempt, why, is_again)
    return PaidBill(attempt.id, attempt.amount, attempt.entry, attempt.payment_proof or "")


def _send(
    buyer: Buyer, bill: ForeignBill, attempts: Attempts, attempt: Attempt, why: str | None, is_again: bool
) -> Attempt:
    body: dict[str, Any] = json.loads(attempt.payment_needed or "{}")
    body |= {
        "id": attempt.id,
        "wallet": attempt.wallet,
        "mandate": attempt.mandate,
        "approval": attempt.approval,
        "why": why,
    }
    try:
        status, answer = buyer.client.request("POST", bill.path, body)
    except TollbridgeError as fault:
        entry = fault.problem.get("entry") if isinstance(fault, Refused) else None
        # An earlier try may have been taken all the same, so "nothing was spent" would be too much said.
        if (is_again and entry is None) or (isinstance(fault, Refused) and fault.is_unknown):
            raise OutcomeUnknown(reason_of(fault)) from fault
        if not isinstance(fault, Refused):
            raise
        if fault.code == "approval_pending" and attempt.approval is not None:
            attempts.keep(replace(attempt, stage="asked", question=attempt.approval))
            raise OwnerAsked(fault.code, attempt.approval) from fault
        attempts.keep(replace(attempt, stage="rejected" if entry is None else "refused"))
        raise
    if status == 202:
        attempts.keep(replace(attempt, stage="asked", question=answer["id"], entry=answer["entry"]))
        raise OwnerAsked(answer["ask"], answer["id"])
    paid = replace(
        attempt, stage="paid", payment_proof=answer["payload"]["credential"], entry=answer["entry"]
    )
    attempts.keep(paid)
    return paid


def _read(bill: ForeignBill) -> tuple[str, Money]:
    """Who is to be paid how much."""
    if not isinstance(bill.amount, str) or not re.fullmatch(r"0|[1-9][0-9]{0,30}", bill.amount):
        raise DemandRefused("its amount is not one in smallest units")
    if AMOUNT_MAX < int(bill.amount):
        raise DemandRefused("its amount is too large")
    return str(bill.payee), Money(bill.amount, f"{bill.currency}".upper() + f"/{bill.decimals}")


def _check(buyer: Buyer, bill: ForeignBill, payee: str, amount: Money, max_price: Money) -> None:
    """Compares a bill with what this wallet pays. Nothing was asked for yet."""
    if bill.network != buyer.network:
        raise DemandRefused(f"it cannot be paid on `{buyer.network}`", "method_unsupported")
    if amount.asset != buyer.asset:
        raise DemandRefused(
            f"it is in `{amount.asset[:24]}`, and the wallet in `{buyer.asset}`", "asset_mismatch"
        )
    if bill.authority is not None and _origin(str(bill.authority)) != buyer.client.base.origin:
        raise DemandRefused("it names another payment service than ours", "psp_differs")
    if buyer.payees and payee not in buyer.payees:
        raise DemandRefused(f"seller `{payee[:48]}` is not one to buy from", "payee_not_chosen")
    if int(max_price.amount) < int(amount.amount):
        raise TooDear(amount.in_words(), max_price.in_words())


def _origin(address: str) -> str | None:
    try:
        return parse_address(address).origin
    except Malformed:
        return None
