"""Buying one HTTP request behind 402: ask, open the bill, pay it once, ask again with the proof.

What was chosen is kept before it is paid, and the hold's name goes with the purchase. So whatever dies in between,
doing it again under the same purchase key repeats the same payment: sending the same bill under the same name is how a
lost answer is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .attempts import Attempt, Attempts, Stage
from .client import Client
from .demand import Bill, Expected, RequestFacts, check_quote, decode_header, fingerprint, open_bill
from .encoding import base64url, sha256
from .errors import (
    DemandRefused,
    OutcomeUnknown,
    Problem,
    Refused,
    SellerSilent,
    TollbridgeError,
    TooDear,
    Unreachable,
    reason_of,
)
from .limits import BACKOFF_MIN_SECONDS, DELIVERY_TRIES_MAX, SELLER_BODY_BYTES_MAX, SELLER_TIMEOUT_SECONDS
from .money import Money
from .payment import Payment, PaymentState, Purchase, SellerAnswer
from .store import PurchaseStore
from .transport import Connections


@dataclass(frozen=True)
class Buyer:
    """From what a wallet buys."""

    client: Client
    me: str
    wallet: str
    asset: str
    #: `toll:main` or `toll:test`.
    network: str
    mandate: str | None
    payees: Sequence[str]
    purchases: PurchaseStore


@dataclass(frozen=True)
class Fetch:
    """One request, and what it may cost."""

    url: str
    method: str
    #: Names in lower case.
    headers: dict[str, str]
    body: bytes
    max_price: Money
    purchase: str
    why: str | None


@dataclass(frozen=True)
class _Errand:
    """One purchase under way."""

    buyer: Buyer
    wanted: Fetch
    facts: RequestFacts
    attempts: Attempts


def buy(buyer: Buyer, wanted: Fetch) -> Purchase:
    """Sends the request, and pays for it where it costs something: once for each purchase key."""
    wanted.headers.pop("payment-proof", None)
    facts = fingerprint(wanted.method, wanted.url, wanted.headers.get("content-type", ""), wanted.body)
    if facts.method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
        wanted.headers.setdefault("idempotency-key", base64url(sha256(wanted.purchase.encode())))
    attempts = Attempts(buyer.purchases, wanted.purchase)
    errand = _Errand(buyer, wanted, facts, attempts)
    last = attempts.last(facts.fingerprint)
    if last is None:
        return _begin(errand)
    match last.stage:
        case "paid":
            return _deliver(errand, last)
        case "begun":
            return _resume(errand, last)
        case "rejected":
            return _begin(errand, free=last)
        case "asked":
            return _after_asking(errand, last)
        case "refused" | "returned":
            return _begin(errand)


def _begin(errand: _Errand, free: Attempt | None = None, approval: str | None = None) -> Purchase:
    """Asks the seller without a proof, and pays the bill it answers with; under the name of `free`, where
    that is free.
    """
    try:
        answer = _ask(errand)
    except (Unreachable, OutcomeUnknown) as fault:
        raise SellerSilent(_reason(fault)) from fault
    if answer.status != 402:
        return Purchase(Payment("free"), answer)
    needed, quote = (_one(answer, name) for name in ("payment-needed", "tollbridge-quote"))
    if needed is None:
        raise DemandRefused("it is not one of A402")
    bill = _open(errand, needed, quote, errand.buyer.client.now())
    return _pay(errand, _keep_new(errand, bill, needed, quote, free, approval), answer)


def _one(answer: SellerAnswer, name: str) -> str | None:
    """The value of a header that may come once."""
    values = answer.headers.get_all(name, [])
    if 1 < len(values):
        raise DemandRefused(f"`{name}` is there more than once")
    return str(values[0]) if values else None


def _after_asking(errand: _Errand, asked: Attempt) -> Purchase:
    """Pays what was asked about: the yes may be for this very bill. Where that is over, a new one."""
    needed, quote = asked.payment_needed or "", asked.quote
    try:
        bill = _open(errand, needed, quote, errand.buyer.client.now())
    except DemandRefused:
        return _begin(errand, approval=asked.question)
    return _pay(errand, _keep_new(errand, bill, needed, quote, None, asked.question))


def _resume(errand: _Errand, attempt: Attempt) -> Purchase:
    """Goes on with a bill that an earlier call chose, and may have paid."""
    try:
        _open(errand, attempt.payment_needed or "", attempt.quote, attempt.billed_at)
    except (DemandRefused, TooDear) as fault:
        # It may be paid, so "nothing was spent" would be too much said.
        return Purchase(_about(attempt, "unknown", reason_of(fault)), None)
    return _pay(errand, attempt)


def _open(errand: _Errand, needed: str, quote: str | None, at_ms: int) -> Bill:
    """Opens a bill as of `at_ms`, and checks it against what this purchase may be."""
    buyer, wanted = errand.buyer, errand.wanted
    expected = Expected(
        facts=errand.facts,
        idempotency_key=wanted.headers.get("idempotency-key"),
        buyer=buyer.me,
        network=buyer.network,
        asset=buyer.asset,
        server=buyer.client.base,
        payees=buyer.payees,
        now_ms=at_ms,
    )
    bill = open_bill(needed, expected)
    if int(wanted.max_price.amount) < int(bill.price.amount):
        raise TooDear(bill.price.in_words(), wanted.max_price.in_words())
    check_quote(bill, quote, at_ms)
    return bill


def _keep_new(
    errand: _Errand, bill: Bill, needed: str, quote: str | None, free: Attempt | None, approval: str | None
) -> Attempt:
    """Keeps a new attempt. From here on its name is the only one that can be paid."""
    buyer = errand.buyer
    attempt = Attempt(
        purchase=errand.wanted.purchase,
        request=errand.facts.fingerprint,
        wallet=buyer.wallet,
        id=free.id if free else buyer.client.fresh_id("hld"),
        amount=bill.price,
        billed_at=buyer.client.now(),
        stage="begun",
        mandate=buyer.mandate,
        payment_needed=needed,
        quote=quote,
        approval=approval,
    )
    if free is None:
        return errand.attempts.begin(attempt)
    errand.attempts.keep(attempt)
    return attempt


def _pay(errand: _Errand, attempt: Attempt, first: SellerAnswer | None = None) -> Purchase:
    """Pays the kept bill under the kept name, or learns that it was paid."""
    body = {
        "id": attempt.id,
        "wallet": attempt.wallet,
        "mandate": attempt.mandate,
        "payment_needed": attempt.payment_needed,
        "approval": attempt.approval,
        "why": errand.wanted.why,
    }
    try:
        status, answer = errand.buyer.client.request("POST", "/v1/a402/pay", body)
    except TollbridgeError as fault:
        if isinstance(fault, Refused) and not fault.is_unknown:
            kept, payment = _after_no(errand, attempt, fault.problem)
            if kept is not None:
                errand.attempts.keep(kept)
            return Purchase(payment, first)
        if isinstance(fault, Unreachable) and first is not None:
            raise
        return Purchase(_about(attempt, "unknown", reason_of(fault)), first)
    if status == 202:
        errand.attempts.keep(replace(attempt, stage="asked", question=answer["id"]))
        asked = Payment("asked", attempt.id, attempt.amount, answer["entry"], answer["ask"], answer["id"])
        return Purchase(asked, first)
    proof = answer["payment_proof"]
    if not _is_about(proof, attempt):
        return Purchase(_about(attempt, "unknown", "the proof that came is about something else"), first)
    proven = replace(attempt, stage="paid", payment_proof=proof, entry=answer["entry"])
    errand.attempts.keep(proven)
    return _deliver(errand, proven)


def _is_about(proof: str, attempt: Attempt) -> bool:
    """Whether a proof is about the bill that was kept."""
    shown, billed = decode_header(proof), decode_header(attempt.payment_needed or "")
    if shown is None or billed is None or shown[0].get("trade_no") != attempt.id:
        return False
    shared = [
        "method_id",
        "method_version",
        "out_trade_no",
        "resource_id",
        "request_method",
        "request_fingerprint",
    ]
    return all(name in shown[0] and shown[0][name] == billed[0].get(name) for name in shared)


def _after_no(errand: _Errand, attempt: Attempt, problem: Problem) -> tuple[Attempt | None, Payment]:
    """What a no means for the name: a recorded no is for ever; a request that was not looked at leaves it
    free.
    """
    question = attempt.approval
    if problem["code"] == "approval_pending" and question is not None:
        code, entry = problem["code"], problem.get("entry")
        asked = Payment("asked", attempt.id, attempt.amount, entry, code, question)
        return replace(attempt, stage="asked", question=question), asked
    denied = Payment("denied", attempt.id, attempt.amount, problem=problem)
    if problem.get("entry") is not None:
        return replace(attempt, stage="refused"), denied
    # An earlier try of ours may have been taken all the same.
    found = _standing(errand.buyer.client, attempt)
    if found is None:
        # Too old a name is free for nothing any more.
        stage: Stage = "refused" if problem["code"] == "id_stale" else "rejected"
        return replace(attempt, stage=stage), denied
    return (replace(attempt, stage="returned") if found.state == "returned" else None), found


def _deliver(errand: _Errand, attempt: Attempt) -> Purchase:
    """Asks the seller with the proof, again where the answer gets lost, and finds out what became of the
    money.
    """
    answer, why = None, ""
    for tries in range(DELIVERY_TRIES_MAX):
        if tries:
            time.sleep(BACKOFF_MIN_SECONDS * 2**tries)
        try:
            answer = _ask(errand, attempt.payment_proof)
        except (Unreachable, OutcomeUnknown) as fault:
            answer, why = None, _reason(fault)
        if answer is not None and answer.status != 503:
            break
    validation = answer and decode_header(answer.headers.get("payment-validation") or "")
    said = validation[0] if validation else {}
    if said.get("delivery_status") == "DELIVERED" and said.get("trade_no") == attempt.id:
        payment = _about(attempt, "paid" if said.get("fulfillment_status") == "CONFIRMED" else "held")
    else:
        found = _standing(errand.buyer.client, attempt)
        payment = found or _about(attempt, "unknown", "the server does not know the trade")
        if payment.state == "unknown" and answer is None:
            payment = _about(attempt, "unknown", why)
    # What was delivered on terms and came to nothing is over: buying it anew is another purchase.
    is_evaluated = answer is not None and "tollbridge-evaluation" in answer.headers
    if payment.state == "returned" and not is_evaluated:
        errand.attempts.keep(replace(attempt, stage="returned"))
    return Purchase(payment, answer)


def _about(attempt: Attempt, state: PaymentState, why: str = "") -> Payment:
    return Payment(state, attempt.id, attempt.amount, attempt.entry, why=why)


def _standing(client: Client, attempt: Attempt) -> Payment | None:
    """What became of the money, by the server; None where it knows no such trade."""
    try:
        trade = client.get(f"/v1/a402/trades/{attempt.id}")
    except TollbridgeError as fault:
        if isinstance(fault, Refused) and fault.problem["status"] == 404:
            return None
        return _about(attempt, "unknown", reason_of(fault))
    match trade["payment_status"]:
        case "held" | "paid" | "returned" as state:
            return _about(attempt, state)
        case other:
            return _about(attempt, "unknown", f"the server says `{other}`")


def _ask(errand: _Errand, proof: str | None = None) -> SellerAnswer:
    """Sends the request to the seller. Another address is another request, so redirects are not followed."""
    wanted, facts = errand.wanted, errand.facts
    headers = wanted.headers if proof is None else wanted.headers | {"payment-proof": proof}
    reply = Connections(facts.url, keep=False).exchange(
        facts.method, facts.url.target, headers, wanted.body, SELLER_TIMEOUT_SECONDS, SELLER_BODY_BYTES_MAX
    )
    return SellerAnswer(reply.status, reply.headers, reply.body)


def _reason(fault: Exception) -> str:
    return str(fault.__cause__ or fault)
