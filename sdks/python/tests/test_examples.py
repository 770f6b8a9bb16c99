"""Every example, run as a reader would, and none longer than 40 lines."""

import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from pathlib import Path

from stage import Stage
from tollbridge import Wallet

FOLDER = Path(__file__).parents[1] / "examples"
LINES_MAX = 40


class Examples(unittest.TestCase):
    stage: Stage

    @classmethod
    def setUpClass(cls) -> None:
        cls.stage = Stage()
        cls.addClassCleanup(cls.stage.close)

    def run_example(
        self, name: str, *words: str, key: str = "", input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Runs one example with the agent's key, or another."""
        ours = {
            "TOLLBRIDGE_KEY": key or self.stage.key,
            "TOLLBRIDGE_SERVER": self.stage.server,
            "TOLLBRIDGE_PURCHASES": self.stage.at("purchases"),
        }
        program = [sys.executable, str(FOLDER / name), *words]
        return subprocess.run(
            program, env=os.environ | ours, input=input, stdout=subprocess.PIPE, text=True, check=False
        )

    def test_no_example_is_longer_than_40_lines_and_each_is_run_here(self) -> None:
        files = sorted(FOLDER.glob("*.py"))
        self.assertEqual([file.name for file in files], ["buy.py", "pay_many.py", "receipt.py", "sell.py"])
        for file in files:
            self.assertLessEqual(len(file.read_text(encoding="utf-8").splitlines()), LINES_MAX, file.name)

    def test_buy(self) -> None:
        left = self.stage.left()
        for _ in range(2):
            done = self.run_example("buy.py", f"{self.stage.gateway}/cheap.txt", "monday")
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, r"^(Held|Paid): .*0\.30 CNY.*\nThis is cheap\.txt\.")
        self.assertEqual(left - self.stage.left(), 30)
        dear = self.run_example("buy.py", f"{self.stage.gateway}/asked.txt", "tuesday")
        self.assertEqual((dear.returncode, dear.stdout.split(":")[0]), (3, "Nothing was spent"))

    def test_pay_many(self) -> None:
        left = self.stage.left()
        for _ in range(2):
            done = self.run_example("pay_many.py", self.stage.payee, "50")
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, "50 paid in")
        self.assertEqual(left - self.stage.left(), 50)

    def test_receipt(self) -> None:
        keys, receipt = self.stage.at("log.keys"), self.stage.at("receipt.json")
        Path(keys).write_text(self.stage.vkey)
        done = self.run_example("receipt.py", self.stage.payee, receipt, keys)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(
            done.stdout, r"^entry \d+ is in .*, a log of \d+ entries\nanother place: the receipt is false: "
        )
        self.assertEqual(self.stage.tried("verify", receipt, "--data", self.stage.book).returncode, 0)

    def test_sell(self) -> None:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{self.stage.gateway}/cheap.txt")
        with caught.exception as refusal:
            needed = str(refusal.headers["payment-needed"])
        protocol = json.loads(urlsafe_b64decode(needed + "=" * (-len(needed) % 4)))["protocol"]
        with Wallet.open(self.stage.key, self.stage.server, purchases=self.stage.at("purchases")) as wallet:
            body = {"id": wallet.client.fresh_id("hld"), "wallet": wallet.id, "payment_needed": needed}
            _, answer = wallet.client.request("POST", "/v1/a402/pay", body)
        names = ("request_method", "request_fingerprint", "resource_id", "out_trade_no")
        good = {"payment_proof": answer["payment_proof"], "facts": {name: protocol[name] for name in names}}
        other = good | {"facts": good["facts"] | {"resource_id": "something else"}}
        input = f"{json.dumps(other)}\n{json.dumps(good)}\n"
        done = self.run_example("sell.py", key=self.stage.seller_key, input=input)
        self.assertEqual(done.returncode, 0)
        expected = r"^no delivery: .* \(a402_refused\)\ndeliver .* for 0\.30 CNY, once for .*\nhld_\w+: paid\n\d+ paym"
        self.assertRegex(done.stdout, expected)

    def test_the_program_in_readme(self) -> None:
        left = self.stage.left()
        text = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
        program = text.split("```python\n")[1].split("```")[0]
        ours = (
            program.replace("http://127.0.0.1:8410/tolls.txt", f"{self.stage.gateway}/cheap.txt")
            .replace("http://127.0.0.1:8402", self.stage.server)
            .replace("agent.json", self.stage.key)
        )
        environment = os.environ | {"TOLLBRIDGE_PURCHASES": self.stage.at("readme")}
        words = [sys.executable, "-c", ours]
        done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        self.assertRegex(done.stdout, r"^(held Held|paid Paid): .*0\.30 CNY.*\nThis is cheap\.txt\.")
        self.assertEqual(left - self.stage.left(), 30)


if __name__ == "__main__":
    unittest.main()
