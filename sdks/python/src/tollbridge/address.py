"""Addresses in their one spelling: as the WHATWG URL standard writes them, for fingerprints and requests
agree on it.

What is read in more than one way (numbers as hosts, escapes in hosts) is refused rather than guessed.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from .errors import Malformed
from .limits import URI_BYTES_MAX

_PORTS = {"http": 80, "https": 443}
# What is escaped beside controls and everything beyond ASCII.
_IN_PATH = frozenset(' "#<>?`{}^')
_IN_QUERY = frozenset(" \"#<>'")


@dataclass(frozen=True)
class Address:
    """An absolute `http` or `https` address without user and fragment."""

    scheme: str
    host: str
    #: None where it is the scheme's own.
    port: int | None
    path: str
    #: With its `?`; empty where there is none.
    query: str

    @property
    def authority(self) -> str:
        """Host, and the port unless it is the scheme's own."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def target(self) -> str:
        """What a request line has."""
        return self.path + self.query

    def __str__(self) -> str:
        return self.origin + self.target


def parse_address(text: str) -> Address:
    """Reads an address and writes it in its one spelling."""
    wrong = Malformed(f"`{text[:100]}` is not an `http` or `https` address of up to {URI_BYTES_MAX} bytes")
    if URI_BYTES_MAX < len(text.encode("utf-8", "surrogatepass")):
        raise wrong
    cleaned = re.sub(r"[\t\n\r]", "", text.strip("".join(map(chr, range(0x21)))))
    found = re.fullmatch(
        r"(https?)://([^/\\?#]+)([^?#]*)(\?[^#]*)?(#.*)?", cleaned, re.IGNORECASE | re.DOTALL
    )
    if not found:
        raise wrong
    scheme = found[1].lower()
    host_and_port = found[2].rpartition("@")[2]
    split = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{0,5}))?", host_and_port)
    host = _host(split[1]) if split else None
    port = int(split[2]) if split and split[2] else None
    if host is None or (port is not None and 65_535 < port):
        raise wrong
    try:
        path = _path(found[3])
        query = _escaped(found[4] or "", _IN_QUERY)
    except UnicodeEncodeError:
        raise wrong from None
    return Address(scheme, host, None if port == _PORTS[scheme] else port, path, query)


def _host(text: str) -> str | None:
    try:
        if text.startswith("["):
            return f"[{ipaddress.IPv6Address(text[1:-1])}]"
        name = text.lower()
        if not name.isascii():
            name = name.encode("idna").decode("ascii")
        last = name.rstrip(".").rpartition(".")[2]
        # A name that ends in a number is an IPv4 address, in many spellings; we read one.
        if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last):
            return str(ipaddress.IPv4Address(name))
    except (ValueError, UnicodeError):
        return None
    return name if re.fullmatch(r"[a-z0-9_.~!$&'()*+,;=-]+", name) else None


def _path(text: str) -> str:
    segments: list[str] = []
    parts = _escaped(text.replace("\\", "/"), _IN_PATH).split("/")[1:] or [""]
    for place, part in enumerate(parts):
        is_last = place == len(parts) - 1
        plain = part.lower().replace("%2e", ".")
        if plain == "..":
            del segments[-1:]
        if plain in (".", ".."):
            if is_last:
                segments.append("")
            continue
        segments.append(part)
    return "/" + "/".join(segments)


def _escaped(text: str, escaped: frozenset[str]) -> str:
    return "".join(_escape(letter, escaped) for letter in text)


def _escape(letter: str, escaped: frozenset[str]) -> str:
    if "\x20" < letter < "\x7f" and letter not in escaped:
        return letter
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8"))
