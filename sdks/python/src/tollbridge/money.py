"""Money: whole numbers of smallest units, as text on the wire and as int here. Never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import Malformed
from .limits import AMOUNT_MAX, ASSET_SCALE_MAX


@dataclass(frozen=True)
class Money:
    """An amount of an asset: `Money("1250", "CNY/2")` is 12.50 CNY."""

    #: Smallest units, in decimal.
    amount: str
    #: Code and decimals, such as `CNY/2`.
    asset: str

    def in_words(self) -> str:
        """As people read it: `12.50 CNY`."""
        code, scale = asset_parts(self.asset)
        digits = self.amount.rjust(scale + 1, "0")
        whole, decimals = digits[: len(digits) - scale], digits[len(digits) - scale :]
        return f"{whole}.{decimals} {code}" if decimals else f"{whole} {code}"

    def to_json(self) -> dict[str, str]:
        return {"amount": self.amount, "asset": self.asset}


#: How callers say money: `"0.05 CNY"` or `"0.05"` in whole units, or an int of smallest units. A float is refused.
AmountLike = str | int | Money


def asset_parts(asset: str) -> tuple[str, int]:
    """The code of an asset, and the decimals of its smallest unit."""
    found = re.fullmatch(r"([A-Za-z0-9_.-]{1,16})/(0|[1-9][0-9]?)", asset)
    if not found or ASSET_SCALE_MAX < int(found[2]):
        raise Malformed(f"`{asset}` is not an asset like `CNY/2`")
    return found[1], int(found[2])


def money_of(answer: dict[str, str]) -> Money:
    """Money as the server writes it."""
    return Money(answer["amount"], answer["asset"])


def read_money(said: AmountLike, asset: str) -> Money:
    """Reads what a caller said, in `asset`. Exactly, or not at all."""
    if isinstance(said, bool) or not isinstance(said, (str, int, Money)):
        raise Malformed(
            'a float is not an amount: say it as text, such as "0.05 CNY", or as int', "float_refused"
        )
    if isinstance(said, int):
        if said < 0 or AMOUNT_MAX < said:
            raise Malformed(f"`{said}` is not an amount")
        return Money(str(said), asset)
    if isinstance(said, Money):
        if said.asset != asset:
            raise Malformed(f"`{said.asset}` is not `{asset}`", "asset_mismatch")
        if not re.fullmatch(r"0|[1-9][0-9]{0,30}", said.amount) or AMOUNT_MAX < int(said.amount):
            raise Malformed(f"`{said.amount[:48]}` is not an amount in smallest units")
        return said
    code, scale = asset_parts(asset)
    number, _, named = said.strip().partition(" ")
    if named and named.strip() not in (code, asset):
        raise Malformed(f"`{said[:48]}` is not in `{asset}`", "asset_mismatch")
    found = re.fullmatch(r"([0-9]{1,40})(?:\.([0-9]*))?", number)
    decimals = (found[2] or "") if found else ""
    if not found or scale < len(decimals):
        raise Malformed(f"`{said[:48]}` is not an amount of `{asset}`, such as `0.50 {code}`")
    minor = int(found[1] + decimals.ljust(scale, "0"))
    if AMOUNT_MAX < minor:
        raise Malformed(f"`{said[:48]}` is too much")
    return Money(str(minor), asset)
