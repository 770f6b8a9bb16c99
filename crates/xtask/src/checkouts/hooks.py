"""Lets most of what schemathesis makes up reach the shop: requests that name its items, its sessions and tokens, each under a key
of its own. A part stays as it was made up.

What there is comes in TOLLBRIDGE_SHOP: {"items": [name, ...], "payable": [[session, token], ...]}."""

import json
import os
import random

import schemathesis

SHOP = json.loads(os.environ["TOLLBRIDGE_SHOP"])
RANDOM = random.Random(int(os.environ.get("TOLLBRIDGE_SEED", "1")))
TOKENS = dict(SHOP["payable"])
SESSIONS = list(TOKENS)


def session_named(parameters):
    return {name: RANDOM.choice(SESSIONS) for name in parameters}


def wanted():
    return [{"id": RANDOM.choice(SHOP["items"])} for _ in range(RANDOM.randint(1, 3))]


def instrument(session):
    token = TOKENS.get(session) or RANDOM.choice(list(TOKENS.values()))
    return {"handler_id": "tollbridge", "instrument": {"type": "tollbridge_token", "credential": {"type": "token", "token": token}}}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Most of what fits the description gets a meaning; what does not fit only gets an address and a key of its own."""
    roll = RANDOM.random()
    if roll < 0.1:
        return
    for name in list(case.headers or {}):
        if name.lower() == "idempotency-key" and case.headers[name]:
            case.headers[name] = f"{RANDOM.getrandbits(96):024x}"
        if name.lower() == "api-version" and RANDOM.random() < 0.95:
            case.headers[name] = "2026-04-17"
    if case.path_parameters:
        case.path_parameters = session_named(case.path_parameters)
    if not isinstance(case.body, dict) or case.meta is None or case.meta.generation.mode.is_negative:
        return
    body = dict(case.body)
    if "line_items" in body:
        body["line_items"] = wanted()
    if "currency" in body:
        body["currency"] = "cny"
    for words in ("coupons", "discounts"):
        if words in body and roll < 0.8:
            del body[words]
    if "selected_fulfillment_options" in body:
        body["selected_fulfillment_options"] = [
            {"type": "shipping", "option_id": RANDOM.choice(["courier", "self", "balloon"]), "item_ids": [SHOP["items"][0]]}
        ]
    if "payment_data" in body and roll < 0.8:
        body["payment_data"] = instrument((case.path_parameters or {}).get("checkout_session_id"))
    case.body = body


@schemathesis.hook
def after_call(context, case, response):
    """Remembers the sessions that there are."""
    if response.status_code == 201:
        SESSIONS.append(response.json()["id"])
