"""Buying behind 402, against a real server and a real gateway: once for each purchase key, whatever happens."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stage import Door, Incoming, Stage
from tollbridge import (
    Client,
    DemandRefused,
    FileStore,
    Malformed,
    MemoryStore,
    NotDelivered,
    OutcomeUnknown,
    OwnerAsked,
    PurchaseFault,
    Refused,
    SellerSilent,
    TooDear,
    Unreachable,
    Wallet,
    read_key_file,
)

FIRST = base64.urlsafe_b64encode(hashlib.sha256(b"bread").digest()).decode().rstrip("=") + ".1"


class Purchases(unittest.TestCase):
    stage: Stage
    cheap: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.stage = Stage()
        cls.addClassCleanup(cls.stage.close)
        cls.cheap = f"{cls.stage.gateway}/cheap.txt"

    def setUp(self) -> None:
        for door in (self.stage.server_door, self.stage.gateway_door):
            door.reset()
        self.purchases = tempfile.mkdtemp(dir=self.stage.directory)
        self.wallet = Wallet.open(
            self.stage.key, self.stage.server, purchases=self.purchases, vkey=self.stage.vkey
        )
        self.addCleanup(self.wallet.close)

    @contextmanager
    def costs(self, fen: int) -> Iterator[None]:
        left = self.stage.left()
        yield
        self.assertEqual(left - self.stage.left(), fen)

    def buyer(self) -> subprocess.Popen[str]:
        words = [self.stage.key, self.stage.server, self.purchases, self.cheap]
        program = [sys.executable, str(Path(__file__).with_name("buyer.py"))]
        process = subprocess.Popen(program + words, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        self.addCleanup(process.stdout.close)
        return process

    def test_what_costs_nothing_is_free_and_keeps_nothing(self) -> None:
        bought = self.wallet.get(f"{self.stage.gateway}/free.txt", max_price=0, purchase="free")
        assert bought.answer
        self.assertEqual((bought.payment.state, bought.answer.text()), ("free", "This is free.txt.\n"))

    def test_a_purchase_is_bought_once_for_its_key_and_another_key_buys_again(self) -> None:
        ids = []
        with self.costs(60):
            for purchase in ("bread", "bread", "bread", "butter"):
                bought = self.wallet.get(self.cheap, max_price="0.30 CNY", purchase=purchase)
                assert bought.answer and bought.payment.amount
                self.assertTrue(bought.payment.settled().is_good)
                found = (bought.payment.amount.in_words(), bought.answer.text())
                self.assertEqual(found, ("0.30 CNY", "This is cheap.txt.\n"))
                ids.append(bought.payment.id)
        self.assertEqual(len(set(ids[:3])), 1)
        self.assertNotEqual(ids[0], ids[3])

    def test_the_receipt_of_a_payment_holds_against_the_logs_key(self) -> None:
        payment = self.wallet.get(self.cheap, max_price="1", purchase="bread").payment
        self.assertEqual(self.wallet.verify(self.wallet.receipt(payment)).entry, payment.entry)

    def test_asked_for_by_many_at_once_it_is_bought_once(self) -> None:
        by, store = read_key_file(self.stage.key), FileStore(self.purchases)
        others = [Wallet.of(by, self.stage.server, purchases=store) for _ in range(3)]
        with self.costs(30), ThreadPoolExecutor(8) as pool:
            wallets = [self.wallet, *others, self.wallet, *others]
            bought = list(pool.map(lambda one: one.get(self.cheap, max_price="1", purchase="bread"), wallets))
            self.assertEqual({one.payment.id for one in bought}, {bought[0].payment.id})
            self.assertTrue(all(one.payment.is_good for one in bought))
        for one in others:
            one.close()

    def test_programs_of_both_languages_at_once_buy_once(self) -> None:
        words = [self.stage.key, self.stage.server, self.purchases, self.cheap]
        programs = [[sys.executable, str(Path(__file__).with_name("buyer.py"))]]
        # The lane names the buyer of the other package; both keep purchases in the same files.
        if other := os.environ.get("TOLLBRIDGE_BUYER_MJS"):
            programs.append(["node", other])
        with self.costs(30):
            buyers = [
                subprocess.Popen(program + words, stdout=subprocess.PIPE, text=True)
                for program in programs * 4
            ]
            said = [json.loads(buyer.communicate()[0]) for buyer in buyers]
        self.assertEqual(len({one["id"] for one in said}), 1)
        self.assertEqual({one["body"] for one in said}, {"This is cheap.txt.\n"})

    def test_a_buyer_killed_between_payment_and_delivery_gets_what_it_paid_for(self) -> None:
        with self.costs(30):
            first = self.buyer()

            def kill(request: Incoming, body: bytes) -> bool:
                if request.headers["payment-proof"]:
                    first.kill()
                    return False
                return True

            self.stage.gateway_door.before = kill
            self.assertEqual(first.wait(), -9)
            self.stage.gateway_door.reset()
            said = json.loads(self.buyer().communicate()[0])
            self.assertIn(said["state"], ("paid", "held"))
            self.assertEqual(said["body"], "This is cheap.txt.\n")

    def test_a_buyer_killed_before_the_payments_answer_came_asks_under_the_same_name(self) -> None:
        with self.costs(30):
            first = self.buyer()

            def kill(request: Incoming, answer: bytes) -> bytes | None:
                if request.path == "/v1/a402/pay":
                    first.kill()
                    return None
                return answer

            self.stage.server_door.after = kill
            self.assertEqual(first.wait(), -9)
            self.stage.server_door.reset()
            self.assertEqual(json.loads(self.buyer().communicate()[0])["body"], "This is cheap.txt.\n")

    def test_unknown_is_not_failed_asking_again_goes_on_with_the_same_payment(self) -> None:
        with self.costs(30):
            self.stage.server_door.after = lambda request, answer: (
                None if request.path == "/v1/a402/pay" else answer
            )
            lost = self.wallet.get(self.cheap, max_price="1", purchase="bread").payment
            self.assertEqual((lost.state, lost.code, lost.next), ("unknown", "outcome_unknown", "same_id"))
            self.assertRegex(lost.words, r"^Nobody can say yet whether 0\.30 CNY was paid")
            self.assertRaises(OutcomeUnknown, lost.settled)
            self.stage.server_door.reset()
            found = self.wallet.get(self.cheap, max_price="1", purchase="bread").payment
            self.assertEqual((found.is_good, found.id), (True, lost.id))

    def test_a_server_that_was_killed_and_started_again_repeats_the_same_payment(self) -> None:
        with self.costs(30):
            bought = self.wallet.get(self.cheap, max_price="1", purchase="bread").payment
            # As if the answer to the payment had never been kept.
            forgetful = MemoryStore()
            attempt = json.loads(FileStore(self.purchases).read(FIRST) or "") | {"stage": "begun"}
            forgetful.add(FIRST, json.dumps(attempt))
            self.stage.server_process.kill()
            self.stage.server_process.wait()
            self.stage.start_server()
            with Wallet.of(read_key_file(self.stage.key), self.stage.server, purchases=forgetful) as again:
                found = again.get(self.cheap, max_price="1", purchase="bread")
            assert found.answer
            self.assertEqual((found.payment.is_good, found.payment.id), (True, bought.id))
            self.assertEqual(found.answer.status, 200)

    def test_a_refusal_is_a_state_with_a_code_and_has_a_receipt(self) -> None:
        with self.costs(0):
            denied = f"{self.stage.gateway}/denied.txt"
            payment = self.wallet.get(denied, max_price="10 CNY", purchase="bread").payment
            self.assertEqual(
                (payment.state, payment.code, payment.next), ("denied", "payment_too_large", "ask_owner")
            )
            self.assertRegex(payment.words, r"^Nothing was spent\. ")
            self.assertRaises(Refused, payment.settled)
            self.wallet.verify(self.wallet.receipt(payment))

    def test_what_is_not_delivered_is_given_back_and_the_same_key_buys_anew(self) -> None:
        ids = set()
        with self.costs(0):
            for _ in range(2):
                gone = f"{self.stage.gateway}/gone.txt"
                payment = self.wallet.get(gone, max_price="1", purchase="bread").payment
                self.assertEqual(payment.state, "returned")
                self.assertRegex(payment.words, r"^Nothing was spent: 0\.30 CNY went back")
                self.assertRaises(NotDelivered, payment.settled)
                self.assertEqual((payment.code, payment.next), ("not_delivered", "same_id"))
                ids.add(payment.id)
        self.assertEqual(len(ids), 2)

    def test_the_owner_is_asked_once_and_after_her_yes_the_same_key_buys(self) -> None:
        asked = f"{self.stage.gateway}/asked.txt"
        owner = Client(self.stage.server, read_key_file(self.stage.owner_key))
        self.addCleanup(owner.close)
        with self.costs(200):
            first = self.wallet.get(
                asked, max_price="2.00 CNY", purchase="bread", why="for breakfast"
            ).payment
            self.assertEqual((first.state, first.code, first.next), ("asked", "above_amount", "ask_owner"))
            waiting = self.wallet.get(asked, max_price="2.00 CNY", purchase="bread").payment
            self.assertEqual(
                (waiting.state, waiting.question, waiting.next), ("asked", first.question, "ask_owner")
            )
            self.assertRaises(OwnerAsked, waiting.settled)
            questions = {one["id"]: one for one in owner.list("/v1/questions").data}
            self.assertEqual([one["status"] for one in questions.values()].count("waiting"), 1)
            question = questions[first.question]
            self.assertEqual(question["why"], "for breakfast")
            until = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
            yes = {"digest": question["digest"], "until": until}
            path = f"/v1/questions/{first.question}/approve"
            owner.request("POST", path, yes, idempotency_key=owner.fresh_key(), signed=True)
            for _ in range(2):
                bought = self.wallet.get(asked, max_price="2.00 CNY", purchase="bread")
                assert bought.answer
                self.assertEqual(
                    (bought.payment.is_good, bought.answer.text()), (True, "This is asked.txt.\n")
                )

    def test_over_the_highest_price_nothing_is_asked_for_and_nothing_is_spent(self) -> None:
        paid: list[str] = []

        def count(request: Incoming, body: bytes) -> bool:
            paid.extend([request.path] if request.path == "/v1/a402/pay" else [])
            return True

        self.stage.server_door.before = count
        with self.costs(0), self.assertRaises(TooDear) as caught:
            self.wallet.get(self.cheap, max_price="0.29 CNY", purchase="bread")
        words = "Nothing was spent: it costs 0.30 CNY and may cost at most 0.29 CNY."
        found = (caught.exception.code, caught.exception.next, caught.exception.price, str(caught.exception))
        self.assertEqual(found, ("too_dear", "new_id", "0.30 CNY", words))
        self.assertEqual(paid, [])

    def test_a_purchase_key_stands_for_one_request(self) -> None:
        self.wallet.get(self.cheap, max_price="1", purchase="bread")
        with self.assertRaises(PurchaseFault) as caught:
            self.wallet.get(f"{self.stage.gateway}/asked.txt", max_price="5", purchase="bread")
        self.assertEqual((caught.exception.code, caught.exception.next), ("purchase_key_reused", "new_id"))
        with self.assertRaises(PurchaseFault) as caught:
            self.wallet.get(self.cheap, max_price="1", purchase="")
        self.assertEqual(caught.exception.code, "purchase_key_length")

    def test_what_is_kept_of_a_purchase_and_cannot_be_read_stops_it(self) -> None:
        self.wallet.get(self.cheap, max_price="1", purchase="bread")
        FileStore(self.purchases).replace(FIRST, "{")
        with self.assertRaises(PurchaseFault) as caught:
            self.wallet.get(self.cheap, max_price="1", purchase="bread")
        self.assertEqual((caught.exception.code, caught.exception.next), ("purchase_damaged", "stop"))

    def test_a_demand_that_was_altered_or_is_for_something_else_is_not_paid(self) -> None:
        rows: list[tuple[str, str, Any, str]] = [
            ("protocol", "request_fingerprint", "sha-256:" + "A" * 43, "request_differs"),
            ("protocol", "request_method", "POST", "request_differs"),
            ("method", "psp", "https://pay.example/", "psp_differs"),
            ("method", "payee", "pye_00000000000000000000000000", "demand_refused"),
            ("protocol", "buyer_unique_id", "somebody", "demand_refused"),
            ("protocol", "pay_before", "2026-01-01T00:00:00Z", "demand_refused"),
            ("protocol", "replay_window_seconds", 1, "demand_refused"),
            ("protocol", "method_id", "toll:main/wallet", "method_unsupported"),
            ("method", "asset", "CNY/3", "asset_mismatch"),
            ("protocol", "amount", "0.301", "demand_refused"),
        ]
        for layer, name, value, code in rows:
            self.stage.gateway_door.headers = altered("payment-needed", layer, name, value)
            with self.subTest(name), self.costs(0), self.assertRaises(DemandRefused) as caught:
                self.wallet.get(self.cheap, max_price="1", purchase=name)
            self.assertEqual(caught.exception.code, code)
        # A price that somebody lowered on the way passes our eyes, and not the payment service's: the seller signed it.
        self.stage.gateway_door.headers = altered("payment-needed", "protocol", "amount", "0.03")
        payment = self.wallet.get(self.cheap, max_price="1", purchase="lowered").payment
        self.assertEqual((payment.state, payment.code), ("denied", "a402_refused"))
        # Nothing was recorded under its name, so the true bill is paid under it.
        self.stage.gateway_door.reset()
        bought = self.wallet.get(self.cheap, max_price="1", purchase="lowered").payment
        self.assertEqual((bought.is_good, bought.id), (True, payment.id))

    def test_only_chosen_sellers_are_paid(self) -> None:
        payees = ["pye_00000000000000000000000000"]
        with Wallet.open(self.stage.key, self.stage.server, purchases=self.purchases, payees=payees) as picky:
            with self.assertRaises(DemandRefused) as caught:
                picky.get(self.cheap, max_price="1", purchase="bread")
        self.assertEqual(caught.exception.code, "payee_not_chosen")

    def test_what_is_sold_on_terms_is_bought_with_its_quote_and_not_without(self) -> None:
        url = f"{self.stage.gateway}/terms.json"
        self.stage.gateway_door.headers = lambda name, value: None if name == "tollbridge-quote" else value
        with self.assertRaises(DemandRefused) as caught:
            self.wallet.get(url, max_price="1", purchase="terms")
        self.assertEqual(caught.exception.code, "quote_missing")
        self.stage.gateway_door.headers = altered("tollbridge-quote", "body", "amount", "4")
        with self.assertRaises(DemandRefused) as caught:
            self.wallet.get(url, max_price="1", purchase="terms")
        self.assertEqual(caught.exception.code, "quote_foreign")
        self.stage.gateway_door.reset()
        bought = self.wallet.get(url, max_price="1", purchase="terms")
        assert bought.answer
        self.assertEqual((bought.payment.is_good, bought.answer.json()), (True, {"rows": [1]}))
        self.assertIn("tollbridge-evaluation", bought.answer.headers)

    def test_sellers_and_servers_that_do_not_answer_are_told_apart(self) -> None:
        gone = Door()
        gone.close()
        with self.assertRaisesRegex(SellerSilent, "^Nothing was spent: ") as caught:
            self.wallet.get(gone.url, max_price="1", purchase="bread")
        self.assertEqual(caught.exception.next, "same_id")
        by = read_key_file(self.stage.key)
        self.assertRaises(Unreachable, Wallet.of, by, gone.url)
        wrong = ["", "pay.example", "ftp://pay.example", "http://pay.example/api", "http://pay.example/?a=1"]
        for address in wrong:
            self.assertRaises(Malformed, Client, address, by)

    def test_a_float_is_refused_before_anything_is_sent(self) -> None:
        with self.assertRaises(Malformed) as caught:
            self.wallet.get(self.cheap, max_price=0.3, purchase="bread")  # type: ignore[arg-type]
        self.assertEqual(caught.exception.code, "float_refused")
        with self.assertRaises(Malformed) as caught:
            self.wallet.pay(self.stage.payee, 0.3)  # type: ignore[arg-type]
        self.assertEqual(caught.exception.code, "float_refused")


def altered(header: str, layer: str, member: str, value: Any) -> Callable[[str, str], str | None]:
    """Changes one member in a layer of a header."""

    def alter(name: str, text: str) -> str | None:
        if name != header:
            return text
        layers = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        layers[layer][member] = value
        return base64.urlsafe_b64encode(json.dumps(layers).encode()).decode().rstrip("=")

    return alter


if __name__ == "__main__":
    unittest.main()
