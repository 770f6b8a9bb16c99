"""Holds our AP2 mandates against the reference implementation's: each reads and judges what the other wrote.

Usage: compare.py SDK PROGRAM A2A_PROOF SEED CASES

SDK is the folder with the package `ap2`, PROGRAM answers questions about our side, one line of JSON each. Both sides must
say the same of every case, but for those in GAPS, where they must differ: a difference that is not listed fails, and so
does one that is listed and gone.
"""

import base64
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SDK, PROGRAM, A2A_PROOF, SEED, CASES = sys.argv[1:6]
sys.path.insert(0, SDK)
# The reference implementation keeps a log of every token beside its sources.
from ap2.sdk import mandate as reference_mandate  # noqa: E402

reference_mandate.LOG_FILE_PATH = str(Path(tempfile.mkdtemp()) / "operations.log")

from ap2.sdk.checkout_mandate_chain import CheckoutMandateChain  # noqa: E402
from ap2.sdk.constraints import MandateContext  # noqa: E402
from ap2.sdk.generated.checkout_mandate import CheckoutMandate  # noqa: E402
from ap2.sdk.generated.open_checkout_mandate import OpenCheckoutMandate  # noqa: E402
from ap2.sdk.generated.open_payment_mandate import OpenPaymentMandate  # noqa: E402
from ap2.sdk.generated.payment_mandate import PaymentMandate  # noqa: E402
from ap2.sdk.jwt_helper import create_jwt, verify_jwt  # noqa: E402
from ap2.sdk.mandate import MandateClient  # noqa: E402
from ap2.sdk.payment_mandate_chain import PaymentMandateChain  # noqa: E402
from ap2.sdk.receipt_wrapper import ReceiptClient  # noqa: E402
from ap2.sdk.sdjwt import common as reference_common  # noqa: E402
from ap2.sdk.sdjwt.common import compute_sd_hash, parse_token  # noqa: E402
from jwcrypto.jwk import JWK  # noqa: E402

# It cannot write a frequency: its own form of one is no JSON.
reference_common.delegate_claims_from_model = lambda model: model.model_dump(mode="json", by_alias=True, exclude_none=True)

DRAW = random.Random(int(SEED))
AUD, NONCE = "https://pay.example", "nonce-4711"
MODELS = {
    "mandate.payment.open.1": OpenPaymentMandate,
    "mandate.payment.1": PaymentMandate,
    "mandate.checkout.open.1": OpenCheckoutMandate,
    "mandate.checkout.1": CheckoutMandate,
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def digest(text):
    return b64(hashlib.sha256(text.encode()).digest())


class Key:
    """A key on P-256, in the shapes that both sides take."""

    def __init__(self, name):
        self.jwk = JWK.generate(kty="EC", crv="P-256", kid=name)
        full = json.loads(self.jwk.export())
        self.secret = full["d"]
        self.public = {name: full[name] for name in ("kty", "crv", "x", "y")}
        self.public_jwk = JWK(**self.public)


USER, AGENT, SECOND, MERCHANT = Key("surface-1"), Key("agent-1"), Key("agent-2"), Key("shop-1")


class Ours:
    """Our program."""

    def __init__(self):
        self.program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **question):
        self.program.stdin.write(json.dumps(question) + "\n")
        self.program.stdin.flush()
        answer = json.loads(self.program.stdout.readline())
        assert answer.get("code") != "unasked", (question, answer)
        return answer

    def issue(self, root, hops, root_key=USER):
        """A chain, or nothing where we would not write that."""
        hops = [{"content": c, "key": k.secret, "aud": a, "nonce": n, "now": int(time.time())} for c, k, a, n in hops]
        answer = self.ask(op="issue", root_content=root, root_key=root_key.secret, hops=hops)
        return answer.get("token")


OURS = Ours()


def their_issue(root, hops):
    """A chain of the reference implementation, or nothing where its models do not take that."""
    try:
        token = MandateClient().create([MODELS[root["vct"]].model_validate(root)], USER.jwk)
        for content, key, aud, nonce in hops:
            model = MODELS[content["vct"]].model_validate(content)
            token = MandateClient().present(key.jwk, token, [model], nonce=nonce, aud=aud)
        return token
    except ValueError:
        return None


def judged_by_us(case):
    return OURS.ask(
        op=case["op"],
        token=case["token"],
        root=USER.public,
        merchant=MERCHANT.public,
        aud=AUD,
        nonce=NONCE,
        now=case["now"],
        transaction_id=case.get("transaction_id"),
        open_checkout_hash=case.get("open_checkout_hash"),
        checkout_hash=case.get("checkout_hash"),
        past=case.get("past"),
    )


def judged_by_them(case):
    try:
        payloads = MandateClient().verify(
            token=case["token"],
            key_or_provider=lambda _token: USER.public_jwk,
            expected_aud=AUD,
            expected_nonce=NONCE,
            current_time=case["now"],
        )
        if case["op"] == "payment":
            past = case.get("past") or {}
            context = MandateContext(total_amount=past.get("spent", 0), total_uses=past.get("payments", 0))
            why = PaymentMandateChain.parse(payloads).verify(
                expected_transaction_id=case.get("transaction_id"),
                expected_open_checkout_hash=case.get("open_checkout_hash"),
                mandate_context=context,
            )
        else:
            chain = CheckoutMandateChain.parse(payloads)
            why = chain.verify(
                expected_checkout_hash=case.get("checkout_hash"), checkout_jwt=chain.closed_mandate.checkout_jwt
            )
        return {"ok": not why, "why": why}
    except Exception as no:  # noqa: BLE001  (every exception of theirs is a refusal)
        return {"ok": False, "why": repr(no)}


# What mandates say.


def merchant(name):
    return {"id": name, "name": f"Shop {name}", "website": f"https://{name}.example"}


def instrument(name):
    return {"id": name, "type": "card", "description": f"Card {name}"}


def pisp(name):
    return {"legal_name": f"{name} Ltd", "brand_name": name, "domain_name": f"{name}.example"}


def lifetime(now):
    return {"iat": now - 60, "exp": now + 3600}


def open_payment(now, constraints, key=AGENT, **preset):
    content = {"vct": "mandate.payment.open.1", "constraints": constraints, "cnf": {"jwk": key.public}}
    return {**content, **preset, **lifetime(now)}


def payment(now, **members):
    usual = {
        "transaction_id": "the-transaction",
        "payee": merchant("m1"),
        "payment_amount": {"amount": 1999, "currency": "USD"},
        "payment_instrument": instrument("card-1"),
    }
    return {"vct": "mandate.payment.1", **usual, **members, **lifetime(now)}


REFERENCE = {"type": "payment.reference", "conditional_transaction_id": "open-checkout"}


def amount_range(least, most, currency="USD"):
    return {"type": "payment.amount_range", "currency": currency, "min": least, "max": most}


def payment_case(now, root, closed, issue, **more):
    token = issue(root, [(closed, AGENT, AUD, NONCE)])
    usual = {"transaction_id": "the-transaction", "open_checkout_hash": "open-checkout"}
    return {"op": "payment", "token": token, "now": now, **usual, **more}


def checkout_jwt(seller, lines, key=MERCHANT):
    totals = [{"type": "subtotal", "amount": 100}, {"type": "total", "amount": 100}]
    item = lambda sku: {"id": sku, "title": sku, "price": 100}  # noqa: E731
    lines = [{"id": f"line-{at}", "item": item(sku), "quantity": n, "totals": []} for at, (sku, n) in enumerate(lines)]
    checkout = {
        "id": "order-1",
        "merchant": seller,
        "line_items": lines,
        "status": "ready_for_complete",
        "currency": "USD",
        "totals": totals,
        "links": [],
    }
    salt = b64(DRAW.randbytes(16))
    return OURS.ask(op="sign_checkout", checkout=checkout, salt=salt, key=key.secret)["jwt"]


def checkout_case(now, constraints, jwt, issue):
    root = {"vct": "mandate.checkout.open.1", "constraints": constraints, "cnf": {"jwk": AGENT.public}}
    closed = {"vct": "mandate.checkout.1", "checkout_jwt": jwt, "checkout_hash": digest(jwt)}
    token = issue({**root, **lifetime(now)}, [({**closed, **lifetime(now)}, AGENT, AUD, NONCE)])
    return {"op": "checkout", "token": token, "now": now, "checkout_hash": digest(jwt)}


def line_items(*requirements):
    items = lambda ids: [{"id": sku, "title": sku} for sku in ids]  # noqa: E731
    lines = [{"id": f"r{at}", "acceptable_items": items(ids), "quantity": n} for at, (ids, n) in enumerate(requirements)]
    return {"type": "checkout.line_items", "items": lines}


# Cases on which both have to agree: drawn at random, so that about every other one is refused.


def random_payment(issue):
    now = int(time.time())
    choose, chance = DRAW.choice, lambda share: DRAW.random() < share  # noqa: E731
    amount = DRAW.randint(1, 3000)
    constraints = [REFERENCE if chance(0.95) else {**REFERENCE, "conditional_transaction_id": "another"}]
    if chance(0.7):
        bounds = amount_range(DRAW.randint(0, 1200), DRAW.randint(1500, 4000), choose(["USD"] * 9 + ["EUR"]))
        constraints.append({k: v for k, v in bounds.items() if k != "min" or chance(0.7)})
    if chance(0.5):
        names = DRAW.sample(["m0", "m1", "m2", "m3"], DRAW.randint(0, 4))
        constraints.append({"type": "payment.allowed_payees", "allowed": [merchant(name) for name in names]})
    if chance(0.5):
        names = DRAW.sample(["card-0", "card-1", "card-2"], DRAW.randint(1, 3))
        allowed = [instrument(name) for name in names]
        constraints.append({"type": "payment.allowed_payment_instruments", "allowed": allowed})
    closed = {"payment_amount": {"amount": amount, "currency": "USD"}}
    if chance(0.3):
        allowed = [pisp(name) for name in DRAW.sample(["fast", "slow"], DRAW.randint(1, 2))]
        constraints.append({"type": "payment.allowed_pisps", "allowed": allowed})
    if chance(0.5):
        closed["pisp"] = pisp(choose(["fast", "slow"]))
    if chance(0.3):
        bounds = {"not_before": "2026-04-10", "not_after": "2026-04-20"}
        kept = {name: day for name, day in bounds.items() if chance(0.7)}
        constraints.append({"type": "payment.execution_date", **kept})
        closed["execution_date"] = f"2026-04-{DRAW.randint(5, 25):02}"
    past = {"spent": 0, "payments": 0}
    if chance(0.4):
        # Whole hundredths of a dollar that a double times a hundred does not miss.
        constraints.append({"type": "payment.budget", "max": DRAW.randint(10, 90), "currency": "USD"})
        recurrence = {"type": "payment.agent_recurrence", "frequency": "ON_DEMAND"}
        if chance(0.7):
            recurrence["max_occurrences"] = DRAW.randint(1, 4)
        constraints.append(recurrence)
        past = {"spent": DRAW.randint(0, 6000), "payments": DRAW.randint(0, 4)}
    preset = {}
    if chance(0.2):
        preset["payee"] = merchant(choose(["m1", "m2"]))
    if chance(0.1):
        preset["payment_amount"] = {"amount": choose([amount, amount + 1]), "currency": "USD"}
    if chance(0.1):
        preset["payment_instrument"] = instrument(choose(["card-1", "card-2"]))
    DRAW.shuffle(constraints)
    transaction_id = "the-transaction" if chance(0.95) else "another"
    root = open_payment(now, constraints, **preset)
    return payment_case(now, root, payment(now, **closed), issue, past=past, transaction_id=transaction_id)


def random_checkout(issue):
    """Carts of as many items as were asked for: both sides agree on those."""
    skus = ["a", "b", "c", "d"]
    wants = [(DRAW.sample(skus, DRAW.randint(1, 3)), DRAW.randint(1, 3)) for _ in range(DRAW.randint(1, 4))]
    total = sum(n for _, n in wants)
    if DRAW.random() < 0.5:
        bought = [DRAW.choice(ids) for ids, n in wants for _ in range(n)]
    else:
        bought = [DRAW.choice(skus) for _ in range(total)]
    lines = [(sku, bought.count(sku)) for sku in skus if sku in bought]
    sellers = DRAW.sample(["m0", "m1", "m2"], DRAW.randint(1, 3))
    constraints = [line_items(*wants), {"type": "checkout.allowed_merchants", "allowed": [merchant(s) for s in sellers]}]
    return checkout_case(int(time.time()), constraints, checkout_jwt(merchant("m1"), lines), issue)


# Tokens that neither side would write.


def parts(token):
    return [part.strip("~").split("~") for part in token.split("~~")]


def joined(tokens):
    return "~~".join("~".join(token) for token in tokens) + "~"


def payload_of(jwt):
    return json.loads(unb64(jwt.split(".")[1]))


def good_chain():
    now = int(time.time())
    return payment_case(now, open_payment(now, [REFERENCE]), payment(now), OURS.issue)


def resigned(change, header=None, key=AGENT):
    """The last token of a good chain, with other claims."""
    case = good_chain()
    tokens = parts(case["token"])
    claims = payload_of(tokens[-1][0])
    change(claims)
    tokens[-1][0] = create_jwt(header or {"alg": "ES256", "typ": "kb+sd-jwt"}, claims, key.jwk)
    return {**case, "token": joined(tokens)}


def by_hand(content, disclosures=(), header=None, sd_alg="sha-256", hash_of=digest):
    """A good chain whose first token was signed by hand."""
    now = int(time.time())
    header = header or {"alg": "ES256", "typ": "example+sd-jwt", "kid": "surface-1"}
    shown = b64(json.dumps(["salt", content]).encode())
    payload = {"delegate_payload": [{"...": hash_of(shown)}], "_sd_alg": sd_alg}
    root = "~".join([create_jwt(header, payload, USER.jwk), shown, *disclosures]) + "~"
    token = MandateClient().present(AGENT.jwk, root, [PaymentMandate.model_validate(payment(now))], nonce=NONCE, aud=AUD)
    tokens = parts(token)
    claims = payload_of(tokens[-1][0])
    claims["sd_hash"] = hash_of(root)
    tokens[-1][0] = create_jwt({"alg": "ES256", "typ": "kb+sd-jwt"}, claims, AGENT.jwk)
    case = {"op": "payment", "token": joined(tokens), "now": now}
    return {**case, "transaction_id": "the-transaction", "open_checkout_hash": "open-checkout"}


def refused_by_both():
    """Broken in one way each; nobody takes it."""
    now = int(time.time())
    alone = open_payment(now, [REFERENCE])
    yield "another key", resigned(lambda claims: None, key=SECOND)
    yield "another audience", resigned(lambda claims: claims.update(aud="https://other.example"))
    yield "another nonce", resigned(lambda claims: claims.update(nonce="other"))
    yield "no iat", resigned(lambda claims: claims.pop("iat"))
    yield "a future iat", resigned(lambda claims: claims.update(iat=now + 3600))
    yield "an expired token", resigned(lambda claims: claims.update(exp=now - 3600))
    yield "another sd_hash", resigned(lambda claims: claims.update(sd_hash="AAAA"))
    yield "no hash", resigned(lambda claims: claims.pop("sd_hash"))
    yield "both hashes", resigned(lambda claims: claims.update(issuer_jwt_hash="AAAA"))
    yield "another type", resigned(lambda claims: None, {"alg": "ES256", "typ": "JWT"})
    yield "an unknown constraint", by_hand({**alone, "constraints": [REFERENCE, {"type": "payment.weather"}]})
    yield "an unknown mandate", by_hand({**alone, "vct": "mandate.payment.open.2"})
    yield "an expired mandate", by_hand({**alone, "exp": now - 3600})
    sha512 = lambda text: b64(hashlib.sha512(text.encode()).digest())  # noqa: E731
    yield "hashes of SHA-512", by_hand(alone, sd_alg="sha-512", hash_of=sha512)
    good = good_chain()
    yield "a truncated chain", {**good, "token": good["token"].split("~~")[0] + "~"}


def gaps():
    """Where we do otherwise than the reference implementation, each with its reason."""
    now = int(time.time())
    usual = {**lifetime(now)}

    def of(constraints, closed=None, past=None, preset=None):
        root = open_payment(now, constraints, **(preset or {}))
        return payment_case(now, root, payment(now, **(closed or {})), their_issue, past=past)

    budget = {"type": "payment.budget", "max": 1000, "currency": "USD"}
    monthly = {"type": "payment.agent_recurrence", "frequency": "MONTHLY"}
    yield "a payment without payment.reference", "no", of([amount_range(0, 9999)])
    yield "a second use where no recurrence was granted", "no", of([REFERENCE], past={"payments": 1, "spent": 1})
    recent = {"payments": 1, "spent": 1, "last_at": now - 3600}
    yield "a monthly payment an hour after the last", "no", of([REFERENCE, monthly, budget, amount_range(0, 9999)], past=recent)
    over = {"type": "payment.execution_date", "not_after": "2026-04-30"}
    yield "no execution date, after the last allowed day", "no", of([REFERENCE, over])
    noon = {"type": "payment.execution_date", "not_before": "2026-04-10T12:00:00+02:00"}
    yield "a date with a zone, in time", "yes", of([REFERENCE, noon], {"execution_date": "2026-04-10T10:30:00Z"})
    yield "a date with a zone, too early", "no", of([REFERENCE, {**noon, "not_before": "2026-04-10T12:00:00-02:00"}], {"execution_date": "2026-04-10T13:30:00Z"})
    cents = {**budget, "max": 19.99}
    yield "a budget of 19.99, spent to the cent", "yes", of([REFERENCE, cents])
    yen = {"payment_amount": {"amount": 9000, "currency": "JPY"}}
    yield "a budget of 500 yen, and 9000 spent", "no", of([REFERENCE, {"type": "payment.budget", "max": 500, "currency": "JPY"}], yen)
    yield "half a cent of budget", "no", of([REFERENCE, {**budget, "max": 100.005}])
    yield "another initiator than the preset one", "no", of([REFERENCE], {"pisp": pisp("slow")}, preset={"pisp": pisp("fast")})
    other_name = {**merchant("m1"), "name": "Another"}
    yield "a preset payee under another name", "no", of([REFERENCE], {"payee": other_name}, preset={"payee": merchant("m1")})
    yield "a negative amount", "no", of([REFERENCE], {"payment_amount": {"amount": -5, "currency": "USD"}})
    yield "a currency in small letters", "no", of([REFERENCE], {"payment_amount": {"amount": 5, "currency": "usd"}})
    content = open_payment(now, [REFERENCE])
    yield "a preset transaction", "no", by_hand({**content, "transaction_id": "another"})
    yield "an amount as text", "no", by_hand({**content, "constraints": [REFERENCE, amount_range(0, "9999")]})
    yield "a constraint with a bound we do not know", "no", by_hand({**content, "constraints": [REFERENCE, {**amount_range(0, 9999), "per": "day"}]})
    yield "a mandate with a member we do not know", "no", by_hand({**content, "region": "EU"})
    hidden = digest(b64(json.dumps(["salt", amount_range(0, 1)]).encode()))
    yield "a hidden constraint", "no", by_hand({**content, "constraints": [REFERENCE, {"...": hidden}]})
    yield "a hidden member", "no", by_hand({**content, "_sd": [hidden]})
    yield "a root that is a presentation", "no", by_hand(content, header={"alg": "ES256", "typ": "kb+sd-jwt", "kid": "k"})
    yield "a disclosure that belongs nowhere", "no", by_hand(content, [b64(json.dumps(["salt", "exp", 1]).encode())])
    yield "a presentation of last hour", "no", resigned(lambda claims: claims.update(iat=now - 3600))
    yield "a token issued in four minutes", "no", resigned(lambda claims: claims.update(iat=now + 240))
    yield "a token that ended a minute ago", "no", resigned(lambda claims: claims.update(exp=now - 60))
    yield "a token that begins tomorrow", "no", resigned(lambda claims: claims.update(nbf=now + 86400))
    bare = create_jwt({"alg": "ES256", "typ": "example+sd-jwt"}, {"delegate_payload": [content]}, USER.jwk) + "~"
    token = MandateClient().present(AGENT.jwk, bare, [PaymentMandate.model_validate(payment(now))], nonce=NONCE, aud=AUD)
    yield "a first token without disclosures", "yes", {**good_chain(), "token": token}
    second = open_payment(now, [amount_range(0, 9999)], key=SECOND)
    three = OURS.issue(content, [(second, AGENT, "agent-2", "n"), (payment(now), SECOND, AUD, NONCE)])
    chain = {"op": "payment", "token": three, "now": now, "transaction_id": "the-transaction", "open_checkout_hash": "open-checkout"}
    yield "a mandate that was passed on once", "yes", chain

    def bought(constraints, lines, key=MERCHANT):
        return checkout_case(now, constraints, checkout_jwt(merchant("m1"), lines, key), their_issue)

    yield "half of what was asked for", "no", bought([line_items((["a"], 2))], [("a", 1)])
    yield "nothing of a second requirement", "no", bought([line_items((["a"], 1), (["b"], 1))], [("a", 1)])
    yield "a requirement that shows no item", "no", bought([line_items(([], 1))], [("anything", 1)])
    sellers = {"type": "checkout.allowed_merchants", "allowed": [merchant("m1")]}
    yield "a checkout without checkout.line_items", "no", bought([sellers], [("a", 1)])
    yield "a checkout that somebody else has signed", "no", bought([line_items((["a"], 1))], [("a", 1)], SECOND)


def compare():
    faults, counts = [], {"yes": 0, "no": 0}
    for number in range(int(CASES)):
        issue = OURS.issue if number % 2 else their_issue
        case = (random_checkout if number % 3 == 0 else random_payment)(issue)
        ours, theirs = judged_by_us(case), judged_by_them(case)
        counts["yes" if ours["ok"] else "no"] += 1
        if ours["ok"] != theirs["ok"]:
            faults.append(f"random case {number}: we say {ours}, they say {theirs}: {case}")
    least = int(CASES) // 8
    if min(counts.values()) < least:
        faults.append(f"the cases are one-sided: {counts}")
    print(f"  {CASES} random chains, half of them theirs: we take {counts['yes']} and refuse {counts['no']}, and so have they to")
    refused = list(refused_by_both())
    for name, case in refused:
        for side, said in (("we", judged_by_us(case)), ("they", judged_by_them(case))):
            if said["ok"]:
                faults.append(f"{name}: {side} take it")
    print(f"  {len(refused)} chains, each broken in one way: both have to refuse all")
    listed = list(gaps())
    for name, ours_is, case in listed:
        ours, theirs = judged_by_us(case), judged_by_them(case)
        if ours["ok"] != (ours_is == "yes"):
            faults.append(f"{name}: we say {ours}")
        if theirs["ok"] == (ours_is == "yes"):
            faults.append(f"{name}: listed as a difference, and they say the same: {theirs}")
    print(f"  {len(listed)} known differences: each has to be there")
    return faults


def linked():
    """A checkout and its payment, from end to end, in both directions."""
    faults = []
    for name, issue in (("ours", OURS.issue), ("theirs", their_issue)):
        now = int(time.time())
        jwt = checkout_jwt(merchant("m1"), [("a", 1)])
        cart = checkout_case(now, [line_items((["a", "b"], 1))], jwt, issue)
        open_hash = compute_sd_hash(parse_token(cart["token"].split("~~")[0] + "~"))
        said = judged_by_us(cart)
        if said.get("open_checkout_hash") != open_hash:
            faults.append(f"{name}: the open checkout has the hash {open_hash}, and we say {said}")
        reference = {**REFERENCE, "conditional_transaction_id": open_hash}
        closed = payment(now, transaction_id=digest(jwt))
        case = payment_case(now, open_payment(now, [reference]), closed, issue)
        case.update(transaction_id=digest(jwt), open_checkout_hash=open_hash)
        ours, theirs = judged_by_us(case), judged_by_them(case)
        if not ours["ok"] or not theirs["ok"]:
            faults.append(f"{name}: we say {ours}, they say {theirs}")
        leaf = MandateClient().get_closed_mandate_jwt(case["token"])
        if ours.get("reference") != digest(leaf):
            faults.append(f"{name}: the receipt's reference is another")
        faults += inspected(name, case)
        faults += receipts(digest(leaf))
    print("  a checkout and its payment, written by either: both have to read them, a2a-proof too, and the receipts")
    return faults


def inspected(name, case):
    """An independent program around the reference implementation takes ours, and refuses another transaction."""
    folder = Path(tempfile.mkdtemp())
    (folder / "root.jwk").write_text(json.dumps(USER.public))
    (folder / "token").write_text(case["token"])
    faults = []
    for transaction, due in ((case["transaction_id"], 0), (digest("another"), 1)):
        command = [A2A_PROOF, "ap2", "inspect", str(folder / "token"), "--trust-root", str(folder / "root.jwk")]
        command += ["--audience", AUD, "--nonce", NONCE, "--type", "payment", "--transaction-id", transaction]
        command += ["--open-checkout-hash", case["open_checkout_hash"]]
        said = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": SDK, "PATH": "/usr/bin:/bin"})
        if (said.returncode != 0) != bool(due):
            faults.append(f"a2a-proof, {name}, transaction {transaction}: {said.returncode} {said.stdout} {said.stderr}")
    return faults


def receipts(reference):
    faults = []
    for error in (None, "unresolved_constraint"):
        jwt = OURS.ask(op="receipt", key=MERCHANT.secret, now=int(time.time()), reference=reference, error=error)["jwt"]
        said = ReceiptClient().verify_receipt(jwt, MERCHANT.public_jwk, lambda known: known == reference)
        if said != {"verified": True}:
            faults.append(f"our receipt: {said}")
        if verify_jwt(jwt, MERCHANT.public_jwk)["status"] != ("Error" if error else "Success"):
            faults.append("our receipt: its status is another")
    theirs = ReceiptClient().create_payment_receipt(PaymentMandate.model_validate(payment(0)), reference)
    jwt = create_jwt({"alg": "ES256", "typ": "JWT"}, theirs.model_dump(exclude_none=True), MERCHANT.jwk)
    said = OURS.ask(op="read_receipt", root=MERCHANT.public, family="payment", jwt=jwt)
    if said != {"ok": True, "success": True, "reference": reference}:
        faults.append(f"their receipt: {said}")
    theirs = ReceiptClient().create_checkout_receipt("shop", reference, "order-1")
    jwt = create_jwt({"alg": "ES256", "typ": "JWT"}, theirs.model_dump(exclude_none=True), MERCHANT.jwk)
    if not OURS.ask(op="read_receipt", root=MERCHANT.public, family="checkout", jwt=jwt)["ok"]:
        faults.append("their receipt for a checkout")
    return faults


def main():
    faults = linked() + compare()
    for fault in faults:
        print(f"✗ {fault}", file=sys.stderr)
    if not faults:
        print("  all as it has to be")
    OURS.program.stdin.close()
    sys.exit(1 if faults else 0)


main()
