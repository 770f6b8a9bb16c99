"""Identifiers: a prefix that says of what, and 26 characters that begin with the time they were made."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def write_bits(bits: int) -> str:
    """128 bits as 26 characters of Crockford's base 32."""
    return "".join(_ALPHABET[(bits >> (place * 5)) & 31] for place in range(25, -1, -1))


def read_bits(text: str) -> int:
    """The 128 bits of 26 characters of Crockford's base 32."""
    bits = 0
    for character in text:
        bits = (bits << 5) | _ALPHABET.index(character)
    return bits


def fresh_bits(now_ms: int) -> str:
    """A fresh identifier without a prefix: 48 bits of milliseconds, then 80 random ones."""
    return write_bits((now_ms << 80) | secrets.randbits(80))
