"""Checking a receipt without asking anybody: the entry is in the log, and the log's key signed that it is.

Hashes are those of RFC 6962, checkpoints those of C2SP. The key that comes with a receipt proves nothing, and is not
looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .encoding import from_base64, from_base64url, sha256
from .errors import ReceiptFalse
from .limits import (
    KEY_NAME_BYTES_MAX,
    KEY_TERMS_MAX,
    NOTE_BYTES_MAX,
    NOTE_SIGNATURES_MAX,
    PROOF_HASHES_MAX,
    TREE_SIZE_MAX,
)

#: One entry with all that is needed to check it offline, as the server writes it.
Receipt = Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """What a receipt shows, once checked."""

    #: The entry's place in the log.
    entry: int
    #: The entry's canonical bytes.
    bytes: bytes
    #: The log, and how many entries its checkpoint covers.
    origin: str
    size: int


@dataclass(frozen=True)
class _Verifier:
    name: str
    id: bytes
    key: Ed25519PublicKey


@dataclass(frozen=True)
class _Term:
    verifier: _Verifier
    start: int
    until: int | None


@dataclass(frozen=True)
class _Checkpoint:
    origin: str
    size: int
    root: bytes


def verify_receipt(receipt: Receipt, vkey: str) -> Recorded:
    """Checks that the log with these keys has this entry at this place, or raises `ReceiptFalse`.

    `vkey` is what `GET /log/vkey` said when you first met the server.
    """
    terms = _key_history(vkey)
    text = receipt.get("bytes")
    entry = from_base64url(text) if isinstance(text, str) else None
    if entry is None:
        raise _malformed("bytes")
    listed = receipt.get("proof")
    hashes = (
        [from_base64(one) if isinstance(one, str) else None for one in listed]
        if isinstance(listed, list)
        else [None]
    )
    proof = [one for one in hashes if one is not None and len(one) == 32]
    if len(proof) != len(hashes) or PROOF_HASHES_MAX < len(proof):
        raise _malformed("proof")
    index = receipt.get("entry")
    if type(index) is not int or index < 0:
        raise _malformed("entry")
    note = receipt.get("checkpoint")
    if not isinstance(note, str):
        raise _malformed("checkpoint")
    checkpoint = _open_checkpoint(note, terms)
    _climb(entry, index, checkpoint, proof)
    if _place_of(entry) != index:
        raise ReceiptFalse("entry_misplaced", "the entry belongs to another place")
    return Recorded(index, entry, checkpoint.origin, checkpoint.size)


def _malformed(member: str) -> ReceiptFalse:
    return ReceiptFalse("receipt_malformed", f"`{member}` of the receipt is malformed")


def _not_keys(why: str) -> ReceiptFalse:
    return ReceiptFalse("keys_malformed", f"the log's keys cannot be read: {why}")


def _key_history(text: str) -> list[_Term]:
    """Reads the keys of a log: a line for each, newest first, with the sizes that each may sign."""
    lines = text.removesuffix("\n").split("\n")
    if KEY_TERMS_MAX < len(lines):
        raise _not_keys("there are too many")
    terms = []
    for line in lines:
        vkey, *sizes = line.split(" ")
        verifier = _read_verifier(vkey)
        # One spelling: the first size stands alone only where it is not 0.
        if (
            2 < len(sizes)
            or not all(re.fullmatch(r"0|[1-9][0-9]{0,18}", size) for size in sizes)
            or sizes == ["0"]
        ):
            raise _not_keys("a line is not a key and the sizes it signs")
        start, until = [int(size) for size in sizes] + [0, None][len(sizes) :]
        terms.append(_Term(verifier, start or 0, until))
    terms.reverse()
    free: int | None = 0
    for term in terms:
        is_empty = term.until is not None and term.until <= term.start
        if free is None or term.start < free or is_empty or term.verifier.name != terms[0].verifier.name:
            raise _not_keys("they are not the keys of one log, one after the other")
        free = term.until
    return terms


def _read_verifier(vkey: str) -> _Verifier:
    name, _, rest = vkey.partition("+")
    id, _, text = rest.partition("+")
    data = from_base64(text)
    if not _is_key_name(name) or data is None or len(data) != 33 or data[0] != 1:
        raise _not_keys("a key is malformed")
    own = sha256(name.encode() + b"\n" + data)[:4]
    if own.hex() != id:
        raise _not_keys("a key has another key's id")
    try:
        return _Verifier(name, own, Ed25519PublicKey.from_public_bytes(data[1:]))
    except ValueError:
        raise _not_keys("a key is malformed") from None


def _is_key_name(name: str) -> bool:
    forbidden = any(
        letter == "+" or letter.isspace() or unicodedata.category(letter) == "Cc" for letter in name
    )
    return 0 < len(name.encode("utf-8", "surrogatepass")) <= KEY_NAME_BYTES_MAX and not forbidden


def _open_checkpoint(note: str, terms: list[_Term]) -> _Checkpoint:
    """Takes a checkpoint from its note, if the key for its size signed it."""
    length = len(note.encode("utf-8", "surrogatepass"))
    if NOTE_BYTES_MAX < length:
        raise ReceiptFalse("note_malformed", f"a note has at most {NOTE_BYTES_MAX} bytes, not `{length}`")
    malformed = ReceiptFalse("note_malformed", "the note is malformed")
    gap = note.rfind("\n\n")
    if re.search(r"[\x00-\x09\x0b-\x1f]", note) or gap < 0 or not note.endswith("\n") or len(note) < gap + 3:
        raise malformed
    text = note[: gap + 1]
    lines = note[gap + 2 : -1].split("\n")
    if NOTE_SIGNATURES_MAX < len(lines):
        raise ReceiptFalse(
            "note_malformed", f"a note has at most {NOTE_SIGNATURES_MAX} signatures, not `{len(lines)}`"
        )
    signatures = []
    for line in lines:
        found = re.fullmatch(r"\u2014 ([^ ]*) (.*)", line, re.DOTALL)
        data = from_base64(found[2]) if found else None
        if not found or not _is_key_name(found[1]) or data is None or len(data) < 5:
            raise malformed
        signatures.append((found[1], data[:4], data[4:]))
    checkpoint = _read_checkpoint(text)
    size = checkpoint.size
    fitting = [term for term in terms if term.start <= size and (term.until is None or size < term.until)]
    if not fitting:
        raise ReceiptFalse("key_missing", f"the log has no key for a tree of `{size}` leaves")
    by = fitting[0].verifier
    if checkpoint.origin != by.name:
        raise ReceiptFalse("log_differs", f"the checkpoint is by `{checkpoint.origin}`, not by `{by.name}`")
    ours = [signature for name, id, signature in signatures if (name, id) == (by.name, by.id)]
    if not ours:
        raise ReceiptFalse("not_signed", f"the note is not signed by `{by.name}`")
    for signature in ours:
        try:
            by.key.verify(signature, text.encode("utf-8", "surrogatepass"))
        except InvalidSignature:
            raise ReceiptFalse("signature_false", f"the signature by `{by.name}` is wrong") from None
    return checkpoint


def _read_checkpoint(text: str) -> _Checkpoint:
    malformed = ReceiptFalse("checkpoint_malformed", "the checkpoint is malformed")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines[3:]:
        raise malformed
    origin, size, root = lines[:3]
    data = from_base64(root)
    if (
        not _is_key_name(origin)
        or not re.fullmatch(r"0|[1-9][0-9]{0,19}", size)
        or data is None
        or len(data) != 32
    ):
        raise malformed
    # The root of no leaves is the hash of nothing.
    if TREE_SIZE_MAX < int(size) or (size == "0" and data != sha256(b"")):
        raise malformed
    return _Checkpoint(origin, int(size), data)


def _climb(entry: bytes, index: int, checkpoint: _Checkpoint, proof: list[bytes]) -> None:
    """The way from a leaf up to the root (RFC 9162 section 2.1.3.2)."""
    if checkpoint.size <= index:
        raise ReceiptFalse("leaf_missing", f"leaf `{index}` is not in a tree of `{checkpoint.size}` leaves")
    wrong_length = ReceiptFalse("proof_length", "the proof has the wrong length")
    node, last = index, checkpoint.size - 1
    found = sha256(b"\x00" + entry)
    for sibling in proof:
        if last == 0:
            raise wrong_length
        if node & 1 or node == last:
            found = sha256(b"\x01" + sibling + found)
            # On the right edge, heights without a sibling are passed over.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = sha256(b"\x01" + found + sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise wrong_length
    if found != checkpoint.root:
        raise ReceiptFalse("root_differs", "the proof leads to another root")


def _place_of(entry: bytes) -> int | None:
    """The place that an entry says it has: the integer at its beginning, seven bits a byte, lowest first."""
    place = 0
    for number, byte in enumerate(entry[:10]):
        place |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            return None if byte == 0 and number else place
    return None
