"""Signs what schemathesis sends, and lets most of it name what is really there.

The keys and names come in TOLLBRIDGE_BOOK, a JSON object that `cargo xtask schemathesis` fills from a seeded book:
{"keys": {kind: {"key": name, "seed": base64url}}, "names": {kind: [name, ...]}}.
"""

import base64
import hashlib
import json
import os
import random
import secrets
import time
from urllib.parse import urlsplit

import requests.auth
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BOOK = json.loads(os.environ["TOLLBRIDGE_BOOK"])
RANDOM = random.Random(int(os.environ.get("TOLLBRIDGE_SEED", "1")))
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

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


def kind_of(method, path):
    """The kind of key that a request is for; now and then another one."""
    if RANDOM.random() < 0.05:
        return RANDOM.choice(list(KEYS))
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
        name, key = KEYS[kind_of(request.method, url.path)]
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


def fresh_ulid():
    """26 characters: the milliseconds since 1970, then chance."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(25, -1, -1))


def real(member, value):
    """A name that means something, in place of one that was made up."""
    names = BOOK["names"]
    if member == "id" and isinstance(value, str) and "_" in value:
        return value.split("_")[0] + "_" + fresh_ulid()
    if member in names:
        return RANDOM.choice(names[member])
    if member in ("from", "to"):
        return RANDOM.choice(["world", "fees", *names["wallet"], *names["payee"]])
    if member == "subject":
        return RANDOM.choice(names["spare"])
    if member == "asset" and isinstance(value, str):
        return "CNY/2"
    if member == "amount" and isinstance(value, str):
        return str(RANDOM.randint(1, 100))
    if member in ("expires_at", "until"):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))
    return value


def make_real(value):
    """Replaces names, amounts and times in a body of the right shape, wherever they stand."""
    if isinstance(value, list):
        return [make_real(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        member: real(member, make_real(inner))
        for member, inner in value.items()
    }


def real_path(path, parameters):
    """The thing that a path is about: one that exists, and a spare one where it may end by this."""
    names = BOOK["names"]
    place = path.split("/")[2]
    if path.endswith(("/close", "/revoke")):
        place = "spare wallets" if place == "wallets" else place
    things = names.get(place.rstrip("s")) if not place.startswith("spare") else names["spare wallet"]
    return {**parameters, "id": RANDOM.choice(things)} if "id" in parameters and things else parameters


@schemathesis.hook
def map_case(context, case):
    """Most of what fits the schema gets names that exist; the rest, and what does not fit, stays as it is."""
    if RANDOM.random() < 0.25:
        return case
    if isinstance(case.body, (dict, list)):
        case.body = make_real(case.body)
    if case.path_parameters:
        case.path_parameters = real_path(case.path, dict(case.path_parameters))
    for name in list(case.headers or {}):
        if name.lower() == "idempotency-key":
            case.headers[name] = fresh_ulid()
    return case
