"""Signs what schemathesis sends, and lets most of it name what is really there.

The keys and names come in TOLLBRIDGE_BOOK, a JSON object that `cargo xtask schemathesis` fills from a seeded book:
{"keys": {kind: {"key": name, "seed": base64url}}, "names": {kind: [name, ...]}}.

Where links are followed, what a request holds is decided by the request that was made up, so that one which is made up again
fares the same: schemathesis ends its walk where that is not so.
"""

import base64
import hashlib
import json
import os
import random
import re
import time
from urllib.parse import urlsplit

import requests.auth
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from schemathesis.generation.meta import TestPhase

from things import ASSET, GENEROUS, Things, fresh, fresh_public_key, fresh_ulid, soon

BOOK = json.loads(os.environ["TOLLBRIDGE_BOOK"])
SEED = os.environ.get("TOLLBRIDGE_SEED", "1")
RANDOM = random.Random(int(SEED))
THINGS = Things(BOOK["names"])

# Says whose key is to sign; it is taken off before the request is sent.
CALLER = "x-caller"

# Who may call what, by the longest prefix of the path; everything else is the operator's.
KINDS = {
    "/v1/me": "agent",
    "/v1/wallets": "owner",
    "/v1/agents": "owner",
    "/v1/mandates": "owner",
    "/v1/freeze": "owner",
    "/v1/unfreeze": "owner",
    "/v1/revoke": "owner",
    "/v1/keys": "owner",
    "/v1/questions": "owner",
    "/v1/transfers": "owner",
    "/v1/observations": "payee",
    "/v1/payments": "agent",
    "/v1/holds": "agent",
    "/v1/meters": "agent",
    "/v1/refunds": "payee",
    "/v1/a402/pay": "agent",
    "/v1/a402/verify": "payee",
    "/v1/a402/confirm": "payee",
    "/v1/a402/trades": "agent",
}
SELLERS_ENDINGS = ("/capture", "/void", "/redeem", "/charges", "/close")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


KEYS = {
    kind: (key["key"], Ed25519PrivateKey.from_private_bytes(decode(key["seed"])))
    for kind, key in BOOK["keys"].items()
}


def kind_of(path):
    """The kind of key that a request is for."""
    if path.startswith(("/v1/holds/", "/v1/meters/")) and path.endswith(SELLERS_ENDINGS):
        return "payee"
    prefixes = [prefix for prefix in KINDS if path == prefix or path.startswith(prefix + "/")]
    return KINDS[max(prefixes, key=len)] if prefixes else "operator"


class Signature(requests.auth.AuthBase):
    """RFC 9421 over method, authority, path, query and the digest of the body (RFC 9530)."""

    last_nonce = 0

    def __call__(self, request):
        url = urlsplit(request.url)
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            return request
        covered = [
            ("@method", request.method),
            ("@authority", url.netloc.lower()),
            ("@path", url.path or "/"),
            ("@query", "?" + url.query),
        ]
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            request.headers["Content-Digest"] = f"sha-256=:{digest}:"
            covered.append(("content-digest", f"sha-256=:{digest}:"))
        name, key = KEYS[request.headers.pop(CALLER, None) or kind_of(url.path)]
        now = time.time_ns()
        Signature.last_nonce = max(now // 1_000, Signature.last_nonce + 1)
        names = " ".join(f'"{component}"' for component, _ in covered)
        params = f'({names});created={now // 1_000_000_000};keyid="{name}";nonce="{Signature.last_nonce}";tag="tollbridge"'
        base = "".join(f'"{component}": {value}\n' for component, value in covered)
        signature = key.sign((base + f'"@signature-params": {params}').encode())
        request.headers["Signature-Input"] = f"sig={params}"
        request.headers["Signature"] = f"sig=:{base64.b64encode(signature).decode()}:"
        request.headers.pop("Authorization", None)
        return request


schemathesis.auth.set_from_requests(Signature())


# What answers named: a link that leads there is followed as it is.
KNOWN = set()
# What a request may hold and rarely means anything when it was made up.
OPTIONAL = ("approval", "mandate", "split")


def real(member, value, chance):
    """A name that means something, in place of one that was made up."""
    names = THINGS.names
    if member == "limits":
        return GENEROUS
    if member == "public_key":
        return fresh_public_key()
    if member == "algorithm":
        return "ed25519"
    if member == "id" and isinstance(value, str) and "_" in value:
        return fresh(value.split("_")[0])
    if member in ("owner", "wallet", "payee", "agent", "mandate", "payment", "subject"):
        return chance.choice(names[member])
    if member in ("from", "to"):
        return chance.choice(["world", "fees", *names["wallet"], *names["payee"]])
    if member == "asset" and isinstance(value, str):
        return ASSET
    if member == "amount" and isinstance(value, str):
        return str(chance.randint(1, 100))
    if member in ("expires_at", "until"):
        return soon()
    return value


def make_real(value, chance):
    """Replaces names, amounts and times in a body of the right shape, wherever they stand."""
    if isinstance(value, list):
        return [make_real(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    made = {member: real(member, make_real(inner, chance), chance) for member, inner in value.items()}
    if "split" in made and chance.random() < 0.8:
        made["payee"] = chance.choice(THINGS.names["payee"])
    for member in OPTIONAL:
        if member in made and chance.random() < 0.8:
            del made[member]
    return made


def fate(case):
    """Chance that is the same for the same case: where a run is repeated, everything happens as before, under other names."""
    drawn = repr((SEED, case.operation.label, case.body, case.query))
    return random.Random(re.sub(r"_[0-9A-Z]{26}", "_", drawn))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Most of what fits the schema gets a body that is done, some only names that exist; the rest stays as it is."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    label = case.operation.label
    follows_links = case.meta.phase.name is TestPhase.STATEFUL
    chance = fate(case) if follows_links else RANDOM
    roll = 1.0 if follows_links else chance.random()
    if roll < 0.15:
        return
    parameters = dict(case.path_parameters or {})
    is_known = any(value in KNOWN for value in parameters.values())
    if parameters and not (is_known and THINGS.is_ready(label, parameters.get("id"))):
        parameters = case.path_parameters = THINGS.path(label, parameters, chance)
    if isinstance(case.body, (dict, list)):
        done = THINGS.body(label, parameters.get("id"), chance)
        case.body = make_real(case.body, chance) if done is None or roll < 0.4 else done
    for name in list(case.headers or {}):
        if name.lower() == "idempotency-key":
            case.headers[name] = fresh_ulid()
    if not follows_links and chance.random() < 0.05:
        case.headers = {**(case.headers or {}), CALLER: chance.choice(list(KEYS))}


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what there is now."""
    if response.status_code not in (200, 201):
        return
    try:
        answer = response.json()
    except ValueError:
        return
    if isinstance(answer, dict):
        KNOWN.update(answer[member] for member in ("id", "entry", "trade_no") if isinstance(answer.get(member), (str, int)))
        if case.method in ("POST", "PUT"):
            THINGS.learn(case.operation.label, (case.path_parameters or {}).get("id"), case.body, answer)
