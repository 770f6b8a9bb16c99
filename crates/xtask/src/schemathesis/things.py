"""What there is in the book, and bodies that it takes.

A body made up from a schema alone is nearly always refused for what it names: wallets that are not there, keys that are none,
holds that are over. Here each operation has one that is done, about things that were seeded or made on the way.
"""

import base64
import itertools
import secrets
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ASSET = "CNY/2"
GENEROUS = [{"kind": "per_payment", "max": "1000000"}]


def fresh_ulid():
    """26 characters: the milliseconds since 1970, then chance."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(25, -1, -1))


def fresh(prefix):
    return prefix + "_" + fresh_ulid()


def soon():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))


def fresh_public_key():
    key = Ed25519PrivateKey.generate().public_key()
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")


def new_key():
    return {"id": fresh("key"), "algorithm": "ed25519", "public_key": fresh_public_key()}


def money(chance, most=100):
    return {"amount": str(chance.randint(1, most)), "asset": ASSET}


class Things:
    """The names of what was seeded, and what was made since. What an operation uses up is taken, everything else chosen."""

    def __init__(self, names):
        self.names = names
        self.agents_of = {names["wallet"][0]: names["agent"][:1]}
        self.versions = {names["agent"][0]: 1, names["mandate"][0]: 1}
        self.questions = {question: digest for question, digest in names["question"]}
        self.sequence = itertools.count(time.time_ns())
        self.spare = {
            "capture": names["hold"][0::4],
            "void": names["hold"][1::4],
            "redeem": names["hold"][2::4],
            "charges": names["meter"][0::2],
            "meter": names["meter"][1::2],
            "question": list(self.questions),
            "wallet": list(names["spare wallet"]),
            "subject": list(names["spare"]),
            "key": [],
        }

    def take(self, kind):
        """One that is used up by this; the last one is kept, for a no is an answer too."""
        spare = self.spare[kind]
        return spare.pop(0) if 1 < len(spare) else next(iter(spare), None)

    def is_ready(self, label, thing):
        """Whether an operation can be done about that very thing."""
        return label != "POST /v1/wallets/{id}/sub_accounts" or thing in self.agents_of

    def path(self, label, parameters, chance):
        """The parameters of a path, so that it leads to something."""
        names = self.names
        pools = {
            "GET /v1/wallets/{id}": names["wallet"],
            "PUT /v1/wallets/{id}/limits": names["wallet"][1:],
            "POST /v1/wallets/{id}/sub_accounts": names["wallet"][:1],
            "GET /v1/payees/{id}": names["payee"],
            "GET /v1/agents/{id}": names["agent"],
            "PUT /v1/agents/{id}/limits": names["agent"][:1],
            "GET /v1/mandates/{id}": names["mandate"],
            "PUT /v1/mandates/{id}/limits": names["mandate"],
            "POST /v1/mandates/{id}/delegate": names["mandate"],
            "GET /v1/payments/{id}": names["payment"],
            "GET /v1/holds/{id}": names["hold"],
            "GET /v1/meters/{id}": names["meter"],
            "POST /v1/meters/{id}/charges": self.spare["charges"],
        }
        uses_up = {
            "POST /v1/wallets/{id}/close": "wallet",
            "POST /v1/keys/{id}/revoke": "key",
            "POST /v1/questions/{id}/approve": "question",
            "POST /v1/questions/{id}/refuse": "question",
            "POST /v1/holds/{id}/capture": "capture",
            "POST /v1/holds/{id}/void": "void",
            "POST /v1/holds/{id}/redeem": "redeem",
            "POST /v1/meters/{id}/close": "meter",
        }
        made = dict(parameters)
        if "seq" in made:
            made["seq"] = chance.randint(0, 20)
        if "payee" in made:
            made["payee"] = names["payee"][0]
        if "index" in made:
            made.update({"index": f"000.p/{chance.randint(1, 20)}", **({"level": 0} if "level" in made else {})})
        if pools.get(label):
            made["id"] = chance.choice(pools[label])
        elif label in uses_up:
            made["id"] = self.take(uses_up[label]) or made["id"]
        return made

    def body(self, label, thing, chance):
        """A body that this operation takes, about `thing` where it is about one; none where there is no such body."""
        names = self.names
        owner, wallet, payee = names["owner"][0], names["wallet"][0], names["payee"][0]
        operation = label.removeprefix("POST ").removeprefix("PUT ")
        buy = {"wallet": wallet, "payee": payee, "amount": money(chance)}
        if operation == "/v1/payments":
            one = {"id": fresh("pay"), **buy}
            return [one, {**one, "id": fresh("pay")}] if chance.random() < 0.3 else one
        if operation == "/v1/wallets/{id}/sub_accounts":
            agents = self.agents_of.get(thing)
            return {"id": fresh("wal"), "agent": chance.choice(agents), "limits": GENEROUS} if agents else None
        if operation.endswith("/limits"):
            return {"version": self.versions.get(thing, 0), "limits": GENEROUS}
        if operation == "/v1/questions/{id}/approve":
            return {"digest": self.questions[thing], "until": soon()} if thing in self.questions else None
        if operation == "/v1/transfers":
            pair = chance.sample(names["wallet"][:2], 2)
            return {"id": fresh("trf"), "from": pair[0], "to": pair[1], "amount": money(chance)}
        if operation == "/v1/assets":
            return {"asset": "".join(chance.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(4)) + fresh_ulid()[-8:] + "/2"}
        bodies = {
            "/v1/owners": lambda: {"id": fresh("own"), "key": new_key()},
            "/v1/keys": lambda: {**new_key(), "holder": owner},
            "/v1/wallets": lambda: {"id": fresh("wal"), "owner": owner, "asset": ASSET, "limits": GENEROUS},
            "/v1/payees": lambda: {"id": fresh("pye"), "asset": ASSET, "category": "fuzz", "provenance": "registry",
                                   "key": new_key()},
            "/v1/agents": lambda: {"id": fresh("agt"), "wallet": wallet, "limits": GENEROUS, "key": new_key()},
            "/v1/mandates": lambda: {"id": fresh("mdt"), "wallet": wallet, "agent": names["agent"][0], "limits": GENEROUS,
                                     "valid_from": "2026-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z"},
            "/v1/mandates/{id}/delegate": lambda: {"id": fresh("mdt"), "agent": chance.choice(self.agents_of[wallet]), "limits": [],
                                                   "valid_from": "2030-01-01T00:00:00Z", "expires_at": "2031-01-01T00:00:00Z"},
            "/v1/observations": lambda: {"item": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()[:43],
                                         "price": money(chance), "stock": chance.randint(0, 9)},
            "/v1/freeze": lambda: {"subject": chance.choice(names["subject"])},
            "/v1/unfreeze": lambda: {"subject": chance.choice(names["subject"])},
            "/v1/revoke": lambda: {"subject": self.take("subject")},
            "/v1/refunds": lambda: {"id": fresh("ref"), "payment": chance.choice(names["payment"]), "amount": money(chance, 1)},
            "/v1/holds": lambda: {"id": fresh("hld"), **buy, "expires_at": soon()},
            "/v1/holds/{id}/capture": lambda: {"amount": money(chance, 1), "last": chance.random() < 0.5},
            "/v1/holds/{id}/redeem": lambda: {"delivery": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()[:43]},
            "/v1/meters": lambda: {"id": fresh("mtr"), **buy, "expires_at": soon(), "rates_nanos_per_unit": [1_000]},
            "/v1/meters/{id}/charges": lambda: [{"id": fresh("req"), "sequence": next(self.sequence), "units": [1]}],
        }
        return bodies[operation]() if operation in bodies else None

    def learn(self, label, thing, body, answer):
        """Remembers what an operation made."""
        if label.endswith("/limits"):
            self.versions[thing] = body["version"] + 1
            return
        name = answer.get("id")
        if not isinstance(name, str) or not isinstance(body, dict):
            return
        if label in ("POST /v1/wallets", "POST /v1/agents", "POST /v1/wallets/{id}/sub_accounts"):
            self.versions[name] = 1 if body.get("limits") else 0
        if label == "POST /v1/mandates":
            self.versions[name] = 1
        if label == "POST /v1/agents":
            self.agents_of.setdefault(body.get("wallet"), []).append(name)
        pool = {"POST /v1/wallets": "wallet", "POST /v1/keys": "key", "POST /v1/meters": "meter"}.get(label)
        if label == "POST /v1/holds":
            pool = min(("capture", "void", "redeem"), key=lambda kind: len(self.spare[kind]))
        if pool:
            self.spare[pool].append(name)
        if label == "POST /v1/payments":
            self.names["payment"].append(name)
