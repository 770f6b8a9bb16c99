"""The attempts of one purchase, as they are kept: each has one name for its payment, and nothing is paid
under another."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from .encoding import base64url, sha256
from .errors import PurchaseFault
from .limits import ATTEMPTS_MAX, PURCHASE_KEY_BYTES_MAX
from .money import Money
from .store import PurchaseStore

#: Where an attempt stands, as far as this side knows.
#:
#: `begun`: whether it was paid is to be asked under the same name. `rejected`: the server did not take it and recorded
#: nothing, so the name is free for another bill. `paid`: the money is held or paid. `asked`, `refused`, `returned`:
#: nothing is spent under this name.
Stage = Literal["begun", "rejected", "paid", "asked", "refused", "returned"]


@dataclass(frozen=True)
class Attempt:
    """One attempt. Both packages write and read it so."""

    purchase: str
    #: What is bought: the fingerprint of the request, or who is paid how much.
    request: str
    wallet: str
    #: The payment's name.
    id: str
    amount: Money
    #: When the bill was opened, in milliseconds since 1970.
    billed_at: int
    stage: Stage
    mandate: str | None = None
    payment_needed: str | None = None
    quote: str | None = None
    #: The question whose approval it uses, and the one it raised.
    approval: str | None = None
    question: str | None = None
    payment_proof: str | None = None
    entry: int | None = None


_NAMES = frozenset(field.name for field in fields(Attempt))


class Attempts:
    """The attempts of one purchase."""

    def __init__(self, store: PurchaseStore, purchase: str) -> None:
        key = purchase.encode()
        if not key or PURCHASE_KEY_BYTES_MAX < len(key):
            raise PurchaseFault(
                "purchase_key_length", f"a purchase key has 1 to {PURCHASE_KEY_BYTES_MAX} bytes"
            )
        self._store = store
        self._purchase = purchase
        self._name = base64url(sha256(key))
        self._number = 0

    def last(self, request: str) -> Attempt | None:
        """The newest attempt, if there is one. It has to be for this request."""
        found = None
        while (text := self._store.read(self._file(self._number + 1))) is not None:
            self._number += 1
            found = self._parse(text)
        if found and found.request != request:
            why = f"purchase key `{self._purchase}` was used for something else"
            raise PurchaseFault("purchase_key_reused", why)
        return found

    def begin(self, attempt: Attempt) -> Attempt:
        """Begins the next attempt. Whoever began it first decides what it is: that is what comes back."""
        if ATTEMPTS_MAX <= self._number:
            raise PurchaseFault(
                "tried_too_often", f"purchase `{self._purchase}` was tried {ATTEMPTS_MAX} times"
            )
        if self._store.add(self._file(self._number + 1), _text(attempt)):
            self._number += 1
            return attempt
        found = self.last(attempt.request)
        assert found, "what was not added is there"
        return found

    def keep(self, attempt: Attempt) -> None:
        """Keeps what became of the newest attempt. What somebody else knows to be paid stays so, unless it
        went back.
        """
        name = self._file(self._number)
        text = self._store.read(name)
        known = self._parse(text) if text is not None else None
        if known and known.stage == "paid" and attempt.stage not in ("paid", "returned"):
            return
        self._store.replace(name, _text(attempt))

    def _file(self, number: int) -> str:
        return f"{self._name}.{number}"

    def _parse(self, text: str) -> Attempt:
        try:
            found: dict[str, Any] = json.loads(text)
            found = {name: value for name, value in found.items() if name in _NAMES}
            attempt = Attempt(**(found | {"amount": Money(**found["amount"])}))
            is_ours = attempt.purchase == self._purchase
        except (ValueError, TypeError, KeyError, AttributeError):
            is_ours = False
        if not is_ours:
            why = f"what is kept of purchase `{self._purchase}` is damaged; what was bought cannot be known without it"
            raise PurchaseFault("purchase_damaged", why)
        return attempt


def _text(attempt: Attempt) -> str:
    members = {name: value for name, value in asdict(attempt).items() if value is not None}
    return json.dumps(members, ensure_ascii=False)
