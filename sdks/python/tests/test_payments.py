"""Payments that are made at once, limits, sellers and receipts, against a real server."""

import json
import re
import time
import unittest
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stage import Incoming, Stage
from test_vectors import GOLDEN
from tollbridge import (
    KeyFault,
    Malformed,
    MemoryStore,
    PurchaseFault,
    ReceiptFalse,
    Refused,
    Seller,
    Wallet,
    verify_receipt,
)

NOBODY = "pye_00000000000000000000000000"


class Payments(unittest.TestCase):
    stage: Stage

    @classmethod
    def setUpClass(cls) -> None:
        cls.stage = Stage()
        cls.addClassCleanup(cls.stage.close)

    def setUp(self) -> None:
        for door in (self.stage.server_door, self.stage.gateway_door):
            door.reset()
        self.wallet = Wallet.open(
            self.stage.key, self.stage.server, purchases=MemoryStore(), vkey=self.stage.vkey
        )
        self.addCleanup(self.wallet.close)

    def count_arrays(self) -> list[int]:
        """How many payments each request brings, from now on."""
        counted: list[int] = []

        def count(request: Incoming, body: bytes) -> bool:
            if (request.command, request.path) == ("POST", "/v1/payments"):
                counted.append(len(json.loads(body)))
            return True

        self.stage.server_door.before = count
        return counted

    def test_payments_that_are_asked_together_travel_together_1000_at_most(self) -> None:
        left, counted = self.stage.left(), self.count_arrays()
        paid = self.wallet.pay_all([(self.stage.payee, 1)] * 2_500)
        self.assertEqual({payment.state for payment in paid}, {"paid"})
        self.assertEqual(len({payment.entry for payment in paid}), 2_500)
        self.assertEqual(left - self.stage.left(), 2_500)
        self.assertLessEqual(len(counted), 4)
        self.assertLessEqual(max(counted), 1_000)

    def test_payments_of_threads_travel_together(self) -> None:
        left, counted = self.stage.left(), self.count_arrays()
        with ThreadPoolExecutor(50) as pool:
            paid = list(pool.map(lambda _: self.wallet.pay(self.stage.payee, 1), range(500)))
        self.assertEqual({payment.state for payment in paid}, {"paid"})
        self.assertEqual(left - self.stage.left(), 500)
        self.assertLess(len(counted), 250)

    def test_what_the_arrays_gain_is_measured(self) -> None:
        started = time.monotonic()
        for _ in range(300):
            self.wallet.pay(self.stage.payee, 1)
        alone = round(300 / (time.monotonic() - started))
        started = time.monotonic()
        self.wallet.pay_all([(self.stage.payee, 1)] * 3_000)
        together = round(3_000 / (time.monotonic() - started))
        print(f"payments a second through one wallet: {alone} one after the other, {together} together")
        self.assertLess(alone, together)

    def test_one_answer_of_an_array_does_not_speak_for_the_others(self) -> None:
        paid = self.wallet.pay_all(
            [(self.stage.payee, amount) for amount in ("0.01", "2.00", "6.00", "0.02")]
        )
        self.assertEqual([payment.state for payment in paid], ["paid", "asked", "denied", "paid"])
        self.assertEqual(
            [payment.code for payment in paid], [None, "above_amount", "payment_too_large", None]
        )

    def test_a_payment_with_a_key_is_made_once_also_where_its_answer_got_lost(self) -> None:
        left, counted = self.stage.left(), self.count_arrays()
        self.stage.server_door.after = lambda request, answer: (
            None if request.path == "/v1/payments" else answer
        )
        lost = self.wallet.pay(self.stage.payee, "0.10 CNY", purchase="invoice-42")
        self.assertEqual((lost.state, len(counted)), ("unknown", 5))
        self.stage.server_door.reset()
        for _ in range(2):
            paid = self.wallet.pay(self.stage.payee, "0.10 CNY", purchase="invoice-42")
            self.assertEqual((paid.state, paid.id), ("paid", lost.id))
            self.wallet.receipt(paid)
        self.assertEqual(left - self.stage.left(), 10)
        with self.assertRaises(PurchaseFault) as caught:
            self.wallet.pay(self.stage.payee, "0.11 CNY", purchase="invoice-42")
        self.assertEqual(caught.exception.code, "purchase_key_reused")

    def test_a_payment_with_a_key_asked_for_by_many_at_once_is_made_once(self) -> None:
        left = self.stage.left()
        with ThreadPoolExecutor(4) as pool:
            keys = ["invoice-43"] * 4
            paid = list(pool.map(lambda key: self.wallet.pay(self.stage.payee, "0.10", purchase=key), keys))
        self.assertEqual(len({payment.id for payment in paid}), 1)
        self.assertEqual(left - self.stage.left(), 10)

    def test_what_is_kept_of_a_payment_is_the_same_in_every_language(self) -> None:
        golden, purchases = GOLDEN["attempt"], MemoryStore()
        kept, purchase = golden["kept"], golden["purchase"]
        purchases.add(golden["name"], json.dumps(kept))
        counted = self.count_arrays()
        with Wallet.open(self.stage.key, self.stage.server, purchases=purchases) as ours:
            payment = ours.pay(golden["payee"], golden["price"], purchase=purchase)
        found = (payment.state, payment.id, payment.entry, counted)
        self.assertEqual(found, ("paid", kept["id"], kept["entry"], []))
        fresh = MemoryStore()
        with Wallet.open(self.stage.key, self.stage.server, purchases=fresh) as other:
            other.pay(self.stage.payee, golden["price"], purchase=purchase)
        written = json.loads(fresh.read(golden["name"]) or "")
        self.assertEqual(sorted(written), sorted(kept))

    def test_what_makes_no_sense_is_an_error_with_a_code(self) -> None:
        with self.assertRaisesRegex(Refused, "^Nothing was done") as caught:
            self.wallet.pay(NOBODY, "0.10", purchase="invoice-44")
        self.assertEqual((caught.exception.code, caught.exception.next), ("payee_unknown", "new_id"))
        with self.assertRaises(Malformed) as wrong:
            self.wallet.pay(self.stage.payee, "0.10 USD")
        self.assertEqual(wrong.exception.code, "asset_mismatch")

    def test_a_session_that_the_server_no_longer_takes_is_opened_anew(self) -> None:
        opened: list[str] = []

        def spoil(request: Incoming, body: bytes) -> bool:
            if request.path == "/v1/sessions":
                opened.append(request.path)
            elif not opened:
                request.headers.replace_header("authorization", "Toll ses_x:1:AAAA")
            return True

        self.stage.server_door.before = spoil
        self.assertEqual(self.wallet.pay(self.stage.payee, "0.01").state, "paid")
        self.assertEqual(len(opened), 1)

    def test_an_agent_pays_under_its_newest_mandate(self) -> None:
        words = ["--wallet", self.stage.wallet, "--agent", self.stage.agent, "--per-payment", "0.05"]
        key = ["--key", self.stage.owner_key]
        mandate = self.stage.made("mandate", "create", *key, *words)
        with Wallet.open(self.stage.key, self.stage.server, purchases=MemoryStore()) as bound:
            granted = bound.limits().mandate
            assert granted
            self.assertEqual(granted.limits, [{"kind": "per_payment", "max": "5"}])
            states = [bound.pay(self.stage.payee, amount).state for amount in ("0.05", "0.06")]
        self.assertEqual(states, ["paid", "denied"])
        self.stage.run("revoke", "--yes", *key, mandate)

    def test_limits_say_what_may_be_spent(self) -> None:
        limits = self.wallet.limits()
        assert limits.agent
        self.assertEqual(limits.available.asset, "CNY/2")
        expected = [{"kind": "per_payment", "max": "500"}, {"kind": "ask_above", "amount": "100"}]
        self.assertEqual(limits.agent.limits, expected)
        self.assertEqual((limits.wallet.status, limits.mandate), ("active", None))

    def test_a_seller_verifies_a_payment_once_confirms_it_and_sees_it_in_the_list(self) -> None:
        seller = Seller.open(self.stage.seller_key, self.stage.server)
        self.addCleanup(seller.client.close)
        needed = self.needed()
        protocol = json.loads(urlsafe_b64decode(needed + "=" * (-len(needed) % 4)))["protocol"]
        id = self.wallet.client.fresh_id("hld")
        body = {"id": id, "wallet": self.wallet.id, "payment_needed": needed}
        _, answer = self.wallet.client.request("POST", "/v1/a402/pay", body)
        names = ("request_method", "request_fingerprint", "resource_id", "out_trade_no")
        facts: Any = {name: protocol[name] for name in names}
        verified = seller.verify(answer["payment_proof"], facts)
        found = (verified["trade_no"], verified["amount"], verified["repeated"])
        self.assertEqual(found, (id, "0.30", False))
        self.assertTrue(seller.verify(answer["payment_proof"], facts)["repeated"])
        with self.assertRaises(Refused) as caught:
            seller.verify(answer["payment_proof"], facts | {"request_fingerprint": "sha-256:" + "A" * 43})
        self.assertEqual(caught.exception.code, "a402_refused")
        self.assertEqual(seller.trade(id)["payment_status"], "held")
        self.assertEqual(seller.confirm(id, "fulfilled", "0.20 CNY")["payment_status"], "paid")
        self.wallet.pay(self.stage.payee, 1)
        self.assertEqual(len(seller.payments(limit=1).data), 1)
        everything = [one["id"] for one in seller.client.all("/v1/payments")]
        self.assertEqual(len(set(everything)), len(everything))
        self.assertLess(1, len(everything))
        self.assertRaises(KeyFault, Seller.open, self.stage.key, self.stage.server)

    def needed(self) -> str:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{self.stage.gateway}/cheap.txt")
        with caught.exception as refusal:
            return str(refusal.headers["payment-needed"])

    def test_a_receipt_gets_the_same_answer_as_from_tollbridge_verify(self) -> None:
        receipt = self.wallet.receipt(self.wallet.pay(self.stage.payee, "0.01").settled())
        entry, text, proof, note = (receipt[name] for name in ("entry", "bytes", "proof", "checkpoint"))

        def other(text: str) -> str:
            return ("B" if text[0] == "A" else "A") + text[1:]

        rows: list[dict[str, Any]] = [
            {},
            {"entry": entry - 1},
            {"entry": entry + 1_000_000},
            {"bytes": other(text)},
            {"bytes": text + "="},
            {"proof": proof[1:]},
            {"proof": [*proof, proof[0]]},
            {"proof": proof[::-1]},
            {"proof": [other(proof[0]), *proof[1:]]},
            {"checkpoint": re.sub(r"\n(\d+)\n", lambda size: f"\n{int(size[1]) + 1}\n", note, count=1)},
            {"checkpoint": note.replace("tollbridge", "tollbridgf")},
            {"checkpoint": note[:-1]},
            {"checkpoint": note[: note.index("\n\n") + 2]},
        ]
        refused = 0
        for row in rows:
            with self.subTest(row):
                tampered = receipt | row
                Path(self.stage.at("receipt.json")).write_text(json.dumps(tampered))
                theirs = self.stage.tried("verify", self.stage.at("receipt.json"), "--vkey", self.stage.vkey)
                try:
                    verify_receipt(tampered, self.stage.vkey)
                except ReceiptFalse as fault:
                    refused += 1
                    self.assertEqual(theirs.returncode, 6)
                    self.assertIn(str(fault).replace(" of the receipt", ""), theirs.stderr)
                else:
                    self.assertEqual(theirs.returncode, 0)
        self.assertEqual(refused, len(rows) - 1)

    def test_a_wallet_that_knows_the_logs_keys_hands_out_no_false_receipt(self) -> None:
        payment = self.wallet.pay(self.stage.payee, "0.01")
        with Wallet.open(self.stage.key, self.stage.server, vkey=GOLDEN["receipts"][0]["vkey"]) as wrong:
            with self.assertRaises(ReceiptFalse) as caught:
                wrong.receipt(payment)
        self.assertEqual(caught.exception.code, "log_differs")

    def test_a_key_file_that_others_may_read_is_refused_and_none_is_ever_quoted(self) -> None:
        text = Path(self.stage.key).read_text()
        seed = re.findall(r'seed = "([^"]*)"', text)[0]
        open_file, broken = Path(self.stage.at("open.json")), Path(self.stage.at("broken.json"))
        open_file.write_text(text)
        open_file.chmod(0o644)
        with self.assertRaisesRegex(KeyFault, "chmod 600"):
            Wallet.open(str(open_file), self.stage.server)
        broken.touch(mode=0o600)
        for damaged in (
            text.replace("seed", "sead"),
            text.replace(seed, seed[1:]),
            text.replace('seed = "', "seed = "),
        ):
            broken.write_text(damaged)
            with self.assertRaises(KeyFault) as caught:
                Wallet.open(str(broken), self.stage.server)
            self.assertNotIn(seed[4:], str(caught.exception))


if __name__ == "__main__":
    unittest.main()
