"""What a seller demands in `Payment-Needed`, and whether it is for our request. Its signature is checked by
the payment service."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .address import Address, parse_address
from .encoding import base64url, canonical, from_base64url, sha256
from .errors import DemandRefused, Malformed
from .limits import CONTENT_TYPE_BYTES_MAX, HEADER_CHARS_MAX, REPLAY_WINDOW_SECONDS_MIN
from .money import Money, asset_parts, read_money

Layer = dict[str, Any]


@dataclass(frozen=True)
class RequestFacts:
    """One HTTP request, as far as a payment is bound to it."""

    method: str
    url: Address
    #: `sha-256:` and Base64URL.
    fingerprint: str


@dataclass(frozen=True)
class Expected:
    """What a bill is compared with."""

    facts: RequestFacts
    idempotency_key: str | None
    buyer: str
    #: `toll:main` or `toll:test`.
    network: str
    #: The asset of the wallet.
    asset: str
    #: The payment service we have an account with.
    server: Address
    #: Only these sellers; none means every one the server knows.
    payees: Sequence[str]
    now_ms: int


@dataclass(frozen=True)
class Bill:
    """A demand that is for our request, in time, and by a method we know."""

    seller: str
    price: Money
    resource: str
    request_fingerprint: str
    #: The name of the quote that goes with it, where it is sold on terms.
    quote: str | None


def fingerprint(method: str, uri: str, content_type: str, body: bytes) -> RequestFacts:
    """The fingerprint of a request: method, normalised address, content type and body."""
    verb = method.upper()
    if not re.fullmatch(r"[A-Z]{1,32}", verb):
        raise Malformed(f"`{method[:48]}` is not an HTTP method")
    url = parse_address(uri)
    kind = content_type.strip().lower()
    if CONTENT_TYPE_BYTES_MAX < len(kind.encode()) or re.search(r"[\x00-\x1f\x7f-\x9f]", kind):
        raise Malformed("the content type has control characters or is too long")
    lines = "\n".join([verb, str(url), kind, base64url(sha256(body))])
    return RequestFacts(verb, url, f"sha-256:{base64url(sha256(lines.encode()))}")


def decode_header(value: str) -> tuple[Layer, Layer] | None:
    """Both layers of one of the three headers, or None where it is none."""
    data = from_base64url(value) if len(value) <= HEADER_CHARS_MAX else None
    if data is None:
        return None
    try:
        payload = json.loads(data)
    except ValueError:
        return None
    protocol, method = (
        (payload.get("protocol"), payload.get("method")) if isinstance(payload, dict) else (None, None)
    )
    return (protocol, method) if isinstance(protocol, dict) and isinstance(method, dict) else None


def open_bill(needed: str, expected: Expected) -> Bill:
    """Reads a demand and compares it with our request. The payment service reads the same bytes more
    strictly.
    """
    layers = decode_header(needed)
    if layers is None:
        raise DemandRefused("it is malformed")
    protocol, method = layers
    seller = _text(protocol, "seller_unique_id")
    if expected.payees and seller not in expected.payees:
        raise DemandRefused(f"seller `{seller[:48]}` is not one to buy from", "payee_not_chosen")
    is_ours = _text(protocol, "method_id") == f"{expected.network}/wallet"
    is_ours = is_ours and method.get("network") == expected.network
    if not is_ours or _text(protocol, "method_version") != "1.0.0":
        raise DemandRefused(f"it cannot be paid on `{expected.network}`", "method_unsupported")
    key = expected.idempotency_key
    is_for_our_request = (
        _text(protocol, "request_method") == expected.facts.method
        and _text(protocol, "request_fingerprint") == expected.facts.fingerprint
        and (key is None or protocol.get("idempotency_key") == key)
    )
    if not is_for_our_request:
        raise DemandRefused("it is for another request than ours", "request_differs")
    if protocol.get("buyer_unique_id", expected.buyer) != expected.buyer:
        raise DemandRefused("it is for another buyer")
    if not expected.now_ms < _milliseconds(_text(protocol, "pay_before")):
        raise DemandRefused("it had to be paid earlier")
    window = protocol.get("replay_window_seconds")
    if type(window) is not int or window < REPLAY_WINDOW_SECONDS_MIN:
        raise DemandRefused("it leaves too little time for repetitions")
    if _text(method, "payee") != seller:
        raise DemandRefused("it pays somebody else than the seller")
    if _origin(_text(method, "psp")) != expected.server.origin:
        raise DemandRefused("it names another payment service than ours", "psp_differs")
    asset = _text(method, "asset")
    if asset != expected.asset or asset_parts(asset)[0] != _text(protocol, "currency"):
        why = f"it is in `{asset[:24]}`, and the wallet in `{expected.asset}`"
        raise DemandRefused(why, "asset_mismatch")
    quote = method.get("quote")
    if quote is not None and not isinstance(quote, str):
        raise DemandRefused("`quote` is no name")
    price = _price(_text(protocol, "amount"), asset)
    return Bill(seller, price, _text(protocol, "resource_id"), expected.facts.fingerprint, quote)


def check_quote(bill: Bill, header: str | None, now_ms: int) -> None:
    """Checks the quote that a bill names: it is that very quote, for this purchase and price, and not over."""
    if bill.quote is None:
        return
    if header is None:
        raise DemandRefused("the quote it names did not come with it", "quote_missing")
    try:
        sealed = json.loads(from_base64url(header) or b"")
        body = sealed["body"]
        # The bill is signed and names the quote by its digest, so the seller's word for one is her word for the other.
        digest = base64url(sha256(b"toll:quote/1\n" + canonical(body).encode()))
        about = [body["payee"], body["resource"], body["request"]]
        price = [body["amount"], body["asset"]]
        over = _milliseconds(str(body["expires_at"])) <= now_ms
    except (ValueError, KeyError, TypeError):
        raise DemandRefused("its quote cannot be read", "quote_malformed") from None
    if digest != bill.quote or about != [bill.seller, bill.resource, bill.request_fingerprint]:
        raise DemandRefused("the quote is for something else", "quote_foreign")
    if price != [bill.price.amount, bill.price.asset]:
        raise DemandRefused("the quote has another price", "quote_price")
    if over:
        raise DemandRefused("the quote is over", "quote_expired")


def _text(layer: Layer, name: str) -> str:
    value = layer.get(name)
    if not isinstance(value, str) or not value:
        raise DemandRefused(f"`{name}` is missing or no text")
    return value


def _price(amount: str, asset: str) -> Money:
    """An amount in whole units, as A402 writes it; zeros beyond the asset's decimals are no money."""
    _, scale = asset_parts(asset)
    found = re.fullmatch(r"(0|[1-9][0-9]*)(?:\.([0-9]{1,18}))?", amount)
    decimals = (found[2] or "") if found else ""
    if 80 < len(amount) or not found or decimals[scale:].strip("0"):
        raise DemandRefused("its amount is not one of the asset")
    kept = decimals[:scale]
    try:
        return read_money(f"{found[1]}.{kept}" if kept else found[1], asset)
    except Malformed:
        raise DemandRefused("its amount is too large") from None


def _milliseconds(text: str) -> int:
    """An instant of RFC 3339, in milliseconds since 1970."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text, re.ASCII):
        raise DemandRefused("a time in it is malformed")
    try:
        return int(datetime.fromisoformat(text.upper()).timestamp() * 1_000)
    except ValueError:
        raise DemandRefused("a time in it is malformed") from None


def _origin(address: str) -> str | None:
    try:
        return parse_address(address).origin
    except Malformed:
        return None
