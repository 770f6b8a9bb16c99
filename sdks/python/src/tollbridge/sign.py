"""What requests to the server are signed over: HTTP message signatures (RFC 9421) with a digest of the body
(RFC 9530),
and codes of a session."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from .address import Address
from .encoding import base64, base64url, sha256
from .keys import Credentials


@dataclass(frozen=True)
class ToSign:
    """A request to be signed."""

    method: str
    url: Address
    body: bytes


@dataclass(frozen=True)
class SignatureBase:
    """The text that a signature is over, the value of `Signature-Input` without its label, and the body's
    digest.
    """

    base: str
    params: str
    content_digest: str | None


def signature_base(request: ToSign, key: str, created_seconds: int, nonce: int) -> SignatureBase:
    """What one request is signed over."""
    covered = [
        ("@method", request.method),
        ("@authority", request.url.authority),
        ("@path", request.url.path),
        ("@query", request.url.query or "?"),
    ]
    content_digest = None
    if request.body:
        content_digest = f"sha-256=:{base64(sha256(request.body))}:"
        covered.append(("content-digest", content_digest))
    names = " ".join(f'"{name}"' for name, _ in covered)
    params = f'({names});created={created_seconds};keyid="{key}";nonce="{nonce}";tag="tollbridge"'
    lines = "".join(f'"{name}": {value}\n' for name, value in covered)
    return SignatureBase(f'{lines}"@signature-params": {params}', params, content_digest)


def signature_headers(request: ToSign, by: Credentials, now_ms: int, nonce: int) -> dict[str, str]:
    """The headers of a request that is signed by itself."""
    signed = signature_base(request, by.key, now_ms // 1_000, nonce)
    signature = base64(by.sign(signed.base.encode()))
    headers = {"signature-input": f"sig={signed.params}", "signature": f"sig=:{signature}:"}
    return headers if signed.content_digest is None else headers | {"content-digest": signed.content_digest}


@dataclass(frozen=True, repr=False)
class Session:
    """A session that was opened: its name, and the secret of its codes."""

    session: str
    secret: bytes


def session_code(request: ToSign, session: Session, nonce: int) -> str:
    """The value of `Authorization` for one request in a session."""
    lines = f"{request.method}\n{request.url.target}\n{nonce}\n"
    mac = hmac.digest(session.secret, lines.encode() + request.body, "sha256")
    return f"Toll {session.session}:{nonce}:{base64url(mac)}"
