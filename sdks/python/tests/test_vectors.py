"""The vectors that every client reads: bytes that are signed, codes, receipts good and false, money,
fingerprints."""

import json
import os
import unittest
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from tollbridge import Malformed, Money, ReceiptFalse, credentials, fingerprint, read_money, verify_receipt
from tollbridge.address import parse_address
from tollbridge.encoding import base64url, from_base64, from_base64url
from tollbridge.sign import Session, ToSign, session_code, signature_base, signature_headers

FOLDER = Path(os.environ.get("TOLLBRIDGE_VECTORS") or Path(__file__).parents[3] / "vectors")
GOLDEN = json.loads((FOLDER / "sdk.json").read_text(encoding="utf-8"))


def to_sign(row: dict[str, Any]) -> ToSign:
    return ToSign(row["method"], parse_address(row["url"]), row["body"].encode())


class Vectors(unittest.TestCase):
    def test_signed_requests(self) -> None:
        for row in GOLDEN["requests"]:
            with self.subTest(row["name"]):
                nonce = int(row["nonce"])
                signed = signature_base(to_sign(row), row["key"], row["created_seconds"], nonce)
                self.assertEqual(signed.base, row["base"])
                by = credentials(row["key"], row["seed"])
                headers = signature_headers(to_sign(row), by, row["created_seconds"] * 1_000, nonce)
                self.assertEqual(headers["signature-input"], row["signature_input"])
                self.assertEqual(headers["signature"], row["signature"])
                self.assertEqual(headers.get("content-digest"), row["content_digest"])

    def test_requests_signed_by_es256(self) -> None:
        for row in GOLDEN["es256"]:
            request = ToSign("GET", parse_address("https://pay.example/v1/me"), b"")
            base = signature_base(request, row["key"], 1_800_000_000, 1).base
            by = credentials(row["key"], row["seed"], "es256")
            signature = (
                from_base64(signature_headers(request, by, 1_800_000_000_000, 1)["signature"][5:-1]) or b""
            )
            point = b"\x04" + (from_base64url(row["public_key"]) or b"")
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            numbers = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            key.verify(encode_dss_signature(*numbers), base.encode(), ec.ECDSA(SHA256()))

    def test_requests_in_a_session(self) -> None:
        for row in GOLDEN["codes"]:
            with self.subTest(row["name"]):
                session = Session(row["session"], from_base64url(row["secret"]) or b"")
                self.assertEqual(session_code(to_sign(row), session, int(row["nonce"])), row["authorization"])

    def test_receipts(self) -> None:
        for row in GOLDEN["receipts"] + GOLDEN["misplaced"]:
            with self.subTest(row["name"]):
                if row["answer"] == "good":
                    recorded = verify_receipt(row["receipt"], row["vkey"])
                    self.assertEqual(recorded.entry, row["receipt"]["entry"])
                    self.assertEqual(base64url(recorded.bytes), row["receipt"]["bytes"])
                    continue
                with self.assertRaises(ReceiptFalse) as caught:
                    verify_receipt(row["receipt"], row["vkey"])
                found = (caught.exception.code, caught.exception.next, str(caught.exception))
                self.assertEqual(found, (row["answer"], "stop", f"the receipt is false: {row['says']}"))

    def test_no_keys_of_a_log(self) -> None:
        for row in GOLDEN["not_keys"]:
            with self.subTest(row["name"]), self.assertRaises(ReceiptFalse) as caught:
                verify_receipt(GOLDEN["receipts"][0]["receipt"], row["vkey"])
            self.assertEqual(caught.exception.code, "keys_malformed")

    def test_money(self) -> None:
        for row in GOLDEN["money"]:
            with self.subTest(row["text"]):
                if row["minor"] is None:
                    with self.assertRaises(Malformed):
                        read_money(row["text"], row["asset"])
                else:
                    self.assertEqual(read_money(row["text"], row["asset"]), Money(row["minor"], row["asset"]))

    def test_a_float_is_no_amount_whole_or_not(self) -> None:
        for amount in (0.05, 5.0, float("nan"), float("inf"), True):
            with self.subTest(amount), self.assertRaisesRegex(Malformed, "^Nothing was spent: ") as caught:
                read_money(amount, "CNY/2")  # type: ignore[arg-type]
            self.assertEqual((caught.exception.code, caught.exception.next), ("float_refused", "new_id"))
        self.assertEqual(read_money(5, "CNY/2"), Money("5", "CNY/2"))

    def test_fingerprints_are_those_of_every_language(self) -> None:
        for row in json.loads((FOLDER / "a402/fingerprints.json").read_text(encoding="utf-8"))["cases"]:
            with self.subTest(row["uri"]):
                facts = fingerprint(row["method"], row["uri"], row["content_type"], row["body"].encode())
                self.assertEqual(
                    (str(facts.url), facts.fingerprint), (row["normalised_uri"], row["fingerprint"])
                )

    def test_addresses_are_written_as_the_whatwg_writes_them(self) -> None:
        rows = {
            "HTTP://EXAMPLE.com:80": "http://example.com/",
            " https://a.example/x y\n": "https://a.example/x%20y",
            "https://a.example/a/./b/../c/%2E%2e/d": "https://a.example/a/d",
            "https://a.example/a/..": "https://a.example/",
            "https://a.example/a/b/.": "https://a.example/a/b/",
            "https://a.example/../..": "https://a.example/",
            "https://a.example\\b": "https://a.example/b",
            "https://a.example/b\\c": "https://a.example/b/c",
            "https://a.example/?q='ä'#x": "https://a.example/?q=%27%C3%A4%27",
            "https://a.example/?": "https://a.example/?",
            "https://a.example?x": "https://a.example/?x",
            "https://[::0:1]:8443/": "https://[::1]:8443/",
            "https://127.0.0.1/": "https://127.0.0.1/",
            "https://127.1/": None,
            "https://0x7f000001/": None,
            "https://a%2eexample/": None,
            "https://a.example:65536/": None,
            "https:///x": None,
            "https:a.example": None,
            "ftp://a.example/": None,
            "/x": None,
            "https://a.example/" + "a" * 8_192: None,
        }
        for text, written in rows.items():
            with self.subTest(text):
                if written is None:
                    self.assertRaises(Malformed, parse_address, text)
                else:
                    self.assertEqual(str(parse_address(text)), written)


if __name__ == "__main__":
    unittest.main()
