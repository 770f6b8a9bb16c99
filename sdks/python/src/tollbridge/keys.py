"""Whose key signs our requests, and the file it is kept in."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from .encoding import from_base64url
from .errors import KeyFault
from .limits import KEY_FILE_BYTES_MAX


class Credentials(Protocol):
    """A key and the name the server knows it by."""

    @property
    def key(self) -> str:
        """The key's name: `key_…`."""

    def sign(self, message: bytes) -> bytes:
        """Signs these bytes: 64 bytes of Ed25519, or `r‖s` of ES256."""


class _Ed25519:
    def __init__(self, key: str, secret: bytes) -> None:
        self.key = key
        self._signing = Ed25519PrivateKey.from_private_bytes(secret)

    def sign(self, message: bytes) -> bytes:
        return self._signing.sign(message)


class _Es256:
    def __init__(self, key: str, secret: bytes) -> None:
        self.key = key
        self._signing = ec.derive_private_key(int.from_bytes(secret), ec.SECP256R1())

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._signing.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


def credentials(key: str, seed: str, algorithm: str = "ed25519") -> Credentials:
    """Credentials from a key's name and its 32 secret bytes in Base64URL."""
    secret = from_base64url(seed)
    # The message must not show the seed.
    if secret is None or len(secret) != 32:
        raise KeyFault("`seed` is not 32 bytes in Base64URL")
    if not re.fullmatch(r"key_[0-7][0-9A-HJKMNP-TV-Z]{25}", key):
        raise KeyFault("`key` is not an id that begins with `key_`")
    if algorithm == "ed25519":
        return _Ed25519(key, secret)
    if algorithm == "es256":
        try:
            return _Es256(key, secret)
        except ValueError:
            raise KeyFault("`seed` is no key of ES256") from None
    raise KeyFault("`algorithm` is neither `ed25519` nor `es256`")


def parse_key_file(text: str) -> Credentials:
    """Reads the content of a key file: TOML with `key`, `seed`, and perhaps `algorithm`."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # The reader's own message could quote the seed.
        raise KeyFault("the key file does not hold a key: it is not TOML") from None
    if not {"key", "seed"} <= set(found) <= {"key", "seed", "algorithm"}:
        raise KeyFault("the key file does not hold a key: it has `key`, `seed`, and perhaps `algorithm`")
    if not all(isinstance(value, str) for value in found.values()):
        raise KeyFault("the key file does not hold a key: its members are texts")
    return credentials(found["key"], found["seed"], found.get("algorithm", "ed25519"))


def read_key_file(path: str | os.PathLike[str]) -> Credentials:
    """Reads a key file. One that others than its owner may read is refused."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            if found.st_mode & 0o077:
                raise KeyFault(
                    f"key file `{path}` may be read by others than its owner; run `chmod 600` on it"
                )
            if KEY_FILE_BYTES_MAX < found.st_size:
                raise KeyFault(f"key file `{path}` is too long")
            text = file.read()
    except (OSError, UnicodeDecodeError) as fault:
        raise KeyFault(f"key file `{path}` cannot be read ({fault})") from None
    return parse_key_file(text)
