"""UCP 2026-01-11, which the conformance tests speak, and 2026-04-08, which the shop speaks, each in the other's members. Nothing is
added that the other side does not say under another name: members that were renamed or moved, and lists that became objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

OLD, NEW = "2026-01-11", "2026-04-08"


def headers(headers: dict[str, str]) -> dict[str, str]:
    """The version that a platform states of itself."""
    return {name: value.replace(OLD, NEW) if name.lower() == "ucp-agent" else value for name, value in headers.items()}


def complete(body: bytes, token: Callable[[], str]) -> bytes:
    """`payment_data` was one instrument; `payment.instruments` are several, one of them selected. A token of the tests' card vault is
    one of this shop's way of paying, and `success_token` is one that pays. A number of a card stays one."""
    try:
        asked = json.loads(body)
        instrument = asked.pop("payment_data")
        credential = instrument["credential"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return body
    if "token" in credential:
        if credential["token"] == "success_token":
            credential["token"] = token()
        instrument |= {"type": "tollbridge_token", "handler_id": "tollbridge"}
    return json.dumps(asked | {"payment": {"instruments": [instrument | {"selected": True}]}}).encode()


def answer(body: bytes) -> bytes:
    """A profile, a checkout, an order or an error."""
    try:
        said = json.loads(body)
        ucp = said["ucp"]
    except (ValueError, KeyError, TypeError):
        return body
    ucp["version"] = ucp["version"].replace(NEW, OLD)
    capabilities = ucp.get("capabilities", {})
    ucp["capabilities"] = [{"name": name} | older(it) for name, each in capabilities.items() for it in each]
    if "services" in ucp:
        ucp["services"] = {name: service(each) for name, each in ucp["services"].items()}
    handlers = ucp.pop("payment_handlers", None)
    if handlers is not None:
        declared = [handler(name, it) for name, each in handlers.items() for it in each]
        said["payment"] = {"handlers": declared, "instruments": []} | said.get("payment", {})
    # What lowers a total was a positive number.
    for total in said.get("totals", []):
        if total["type"] in ("discount", "items_discount"):
            total["amount"] = abs(total["amount"])
    return json.dumps(said).encode()


def event(body: bytes) -> bytes:
    """What is told of an order is the order; it was in an envelope, with a word for what happened."""
    order = json.loads(answer(body))
    fulfilled = all(line["status"] == "fulfilled" for line in order["line_items"])
    kind = "order_shipped" if fulfilled else "order_placed"
    return json.dumps({"event_type": kind, "checkout_id": order["checkout_id"], "order": order}).encode()


def older(entity: dict[str, Any]) -> dict[str, Any]:
    return entity | {"version": entity["version"].replace(NEW, OLD)}


def service(transports: list[dict[str, Any]]) -> dict[str, Any]:
    """Transports were members, and are a list."""
    first = older(transports[0])
    rest = {it["transport"]: {name: it[name] for name in ("schema", "endpoint")} for it in transports}
    return {"version": first["version"], "spec": first["spec"]} | rest


def handler(name: str, declared: dict[str, Any]) -> dict[str, Any]:
    """Handlers of payment stood beside the checkout, each with its name and its schemas."""
    schema = declared["schema"]
    return declared | {"name": name, "config_schema": schema, "instrument_schemas": [schema]}
