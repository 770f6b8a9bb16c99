"""Bytes as text, in their one accepted spelling, SHA-256, and the canonical form of JSON."""

from __future__ import annotations

import base64 as _base64
import binascii
import hashlib
import json
import re
from typing import Any


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def base64(data: bytes) -> str:
    return _base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes | None:
    """None where the text is not the one spelling of some bytes."""
    try:
        data = _base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return data if base64(data) == text else None


def base64url(data: bytes) -> str:
    return _base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def from_base64url(text: str) -> bytes | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        return None
    padded = text + "=" * (-len(text) % 4)
    return from_base64(padded.replace("-", "+").replace("_", "/"))


def canonical(value: Any) -> str:
    """The canonical form of JSON without fractions (RFC 8785)."""
    if isinstance(value, dict):
        # Names are put in the order of their UTF-16 code units.
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(one) for one in value) + "]"
    if isinstance(value, float):
        raise ValueError("a fraction has no place in what is signed")
    return json.dumps(value, ensure_ascii=False)
