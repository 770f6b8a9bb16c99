"""Bills of other dialects: compared before anything is asked for, and each paid once."""

import json
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stage import Stage
from tollbridge import Client, OutcomeUnknown, OwnerAsked, Refused, TollbridgeError, Wallet, read_key_file
from tollbridge.bill import ForeignBill, PaidBill


class Bills(unittest.TestCase):
    stage: Stage

    @classmethod
    def setUpClass(cls) -> None:
        cls.stage = Stage()
        cls.addClassCleanup(cls.stage.close)

    def tearDown(self) -> None:
        self.stage.server_door.reset()

    def bill(self, name: str, amount: str = "30", **change: Any) -> ForeignBill:
        """A bill of nobody's gateway over x402."""
        accepted = {
            "scheme": "exact",
            "network": "toll:test",
            "asset": "CNY",
            "amount": amount,
            "payTo": self.stage.payee,
            "maxTimeoutSeconds": 60,
            "extra": {"decimals": 2},
        }
        bill = ForeignBill(
            path="/v1/x402/pay",
            name=name,
            network="toll:test",
            payee=self.stage.payee,
            amount=amount,
            currency="CNY",
            decimals=2,
            authority=None,
            asked={"accepted": json.dumps(accepted), "resource": "https://shop.example/weather"},
        )
        return replace(bill, **change)

    def pay(
        self, bill: ForeignBill, max_price: str = "1.00 CNY", why: str | None = None, **options: Any
    ) -> PaidBill:
        purchases = self.stage.at("purchases")
        with Wallet.open(self.stage.key, self.stage.server, purchases=purchases, **options) as wallet:
            return wallet.pay_bill(bill, max_price=max_price, why=why)

    def test_what_does_not_fit_is_refused_before_anybody_is_asked(self) -> None:
        asked: list[str] = []
        left = self.stage.left()

        def before(request: Any, body: bytes) -> bool:
            asked.append(request.path)
            return True

        self.stage.server_door.before = before
        other = {"payees": ["pye_01M83PH00DGM7DBDCVY9MDCSZD"]}
        rows: list[tuple[dict[str, Any], dict[str, Any], str]] = [
            ({"network": "toll:main"}, {}, "method_unsupported"),
            ({"network": "eip155:8453"}, {}, "method_unsupported"),
            ({"currency": "USD"}, {}, "asset_mismatch"),
            ({"decimals": 3}, {}, "asset_mismatch"),
            ({"decimals": None}, {}, "asset_mismatch"),
            ({"authority": "https://another.example"}, {}, "psp_differs"),
            ({"authority": "nowhere"}, {}, "psp_differs"),
            ({}, other, "payee_not_chosen"),
            ({"amount": "101"}, {}, "too_dear"),
            ({"amount": 30}, {}, "demand_refused"),
            ({"amount": "1.5"}, {}, "demand_refused"),
        ]
        for change, options, code in rows:
            with (
                self.subTest(change),
                self.assertRaisesRegex(TollbridgeError, "^Nothing was spent") as caught,
            ):
                self.pay(self.bill("x402 monday", **change), **options)
            self.assertEqual(caught.exception.code, code)
        self.assertNotIn("/v1/x402/pay", asked)
        self.assertEqual(left, self.stage.left())

    def test_one_bill_is_one_payment_also_for_the_next_program_and_at_once(self) -> None:
        left = self.stage.left()
        bill = self.bill("x402 tuesday")
        with ThreadPoolExecutor() as threads:
            paid = list(threads.map(lambda _: self.pay(bill), range(3)))
        # It is bought already, whatever may be spent from now on.
        paid.append(self.pay(bill, "0.01 CNY"))
        self.assertEqual(len({(one.id, one.credential) for one in paid}), 1)
        self.assertEqual(left - self.stage.left(), 30)
        with self.assertRaisesRegex(TollbridgeError, "something else"):
            self.pay(self.bill("x402 tuesday", "31"))

    def test_after_the_owners_yes_the_same_bill_is_paid_and_once(self) -> None:
        left = self.stage.left()
        bill = self.bill("x402 wednesday", "200")
        for _ in range(2):
            with self.assertRaises(OwnerAsked) as caught:
                self.pay(bill, "2.00 CNY")
            self.assertEqual(left, self.stage.left())
        owner = Client(self.stage.server, read_key_file(self.stage.owner_key))
        self.addCleanup(owner.close)
        questions = {one["id"]: one for one in owner.list("/v1/questions").data}
        question = caught.exception.question
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        yes = {"digest": questions[question]["digest"], "until": until}
        path = f"/v1/questions/{question}/approve"
        owner.request("POST", path, yes, idempotency_key=owner.fresh_key(), signed=True)
        self.assertEqual(self.pay(bill, "2.00 CNY"), self.pay(bill, "2.00 CNY"))
        self.assertEqual(left - self.stage.left(), 200)

    def test_whose_answer_got_lost_is_unknown_and_asking_again_pays_nothing_twice(self) -> None:
        left = self.stage.left()
        bill = self.bill("x402 thursday")
        self.stage.server_door.after = lambda request, answer: (
            None if request.path == "/v1/x402/pay" else answer
        )
        self.assertRaises(OutcomeUnknown, self.pay, bill)
        self.stage.server_door.reset()
        # It may be paid, so "nothing was spent" would be too much said.
        self.assertRaises(OutcomeUnknown, self.pay, bill, "0.01 CNY")
        self.assertRaises(OutcomeUnknown, self.pay, bill, why="x" * 201)
        self.pay(bill)
        self.assertEqual(left - self.stage.left(), 30)

    def test_what_was_not_looked_at_is_no_payment_and_the_bill_can_be_paid_after_it(self) -> None:
        left = self.stage.left()
        bill = self.bill("x402 friday")
        for _ in range(2):
            self.assertRaises(Refused, self.pay, bill, why="x" * 201)
        self.pay(bill)
        self.assertEqual(left - self.stage.left(), 30)


if __name__ == "__main__":
    unittest.main()
