"""The client of one server: proves its key once, then sends each request with a code of its own, and again
where that is safe.

A request is repeated only as it is, under the same id, and only where it was not done or nobody knows. No repetition
ever has a new id, so none can pay twice.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from .address import Address, parse_address
from .encoding import from_base64url
from .errors import Malformed, OutcomeUnknown, Problem, Refused, Unreachable
from .ids import fresh_bits
from .keys import Credentials
from .limits import (
    ANSWER_BYTES_MAX,
    BACKOFF_MAX_SECONDS,
    BACKOFF_MIN_SECONDS,
    SESSION_MARGIN_SECONDS,
    SESSION_SECONDS,
    TRIES_MAX,
    TRY_TIMEOUT_SECONDS,
)
from .sign import Session, ToSign, session_code, signature_headers
from .transport import Connections, Reply

_VERSION = "2026-11-01"

#: What the server answers: JSON objects, as `docs` describe them.
Json = Any


@dataclass(frozen=True)
class Page:
    """One page of a list."""

    data: list[Json]
    #: Give this back as `cursor` for the next page; None on the last.
    next_cursor: str | None


@dataclass(frozen=True)
class _Open:
    session: Session
    renew_at_ms: int


def system_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Client:
    """A client of one server, acting with one key. Threads may share it."""

    def __init__(self, server: str, by: Credentials, now: Callable[[], int] = system_clock) -> None:
        """`server` is like `https://pay.example`, without a path. Nothing is sent yet."""
        base = parse_address(server)
        if base.target != "/":
            raise Malformed(
                f"`{server}` is not the address of a server, like `https://pay.example` without a path"
            )
        self.base = base
        self.now = now
        self._by = by
        self._connections = Connections(base, keep=True)
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._session: _Open | None = None
        self._nonce = 0

    def fresh_id(self, prefix: str) -> str:
        """A new identifier, such as `client.fresh_id("pay")`: once for one purchase."""
        return f"{prefix}_{fresh_bits(self.now())}"

    def fresh_key(self) -> str:
        """A new name for a change that makes nothing of its own."""
        return fresh_bits(self.now())

    def get(self, path: str) -> Json:
        """Reads what is at `path`, which may have a query."""
        return self.request("GET", path)[1]

    def request(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        idempotency_key: str | None = None,
        signed: bool = False,
    ) -> tuple[int, Json]:
        """Sends a request until it is answered, a few times at most. Answers status and body, or raises.

        `signed` is for what an owner has to be present for: each request is then signed by itself, not by the session.
        """
        data = b"" if body is None else json.dumps(_without_none(body), ensure_ascii=False).encode()
        request = ToSign(method, parse_address(self.base.origin + path), data)
        reply = self._send(request, idempotency_key, signed)
        answer = _read(reply.body)
        if 200 <= reply.status < 300:
            if answer is None:
                raise OutcomeUnknown("the answer is not JSON")
            return reply.status, answer
        if _is_problem(answer):
            raise Refused(answer)
        raise OutcomeUnknown(f"the answer cannot be read, status {reply.status}")

    def list(self, path: str, limit: int | None = None, cursor: str | None = None) -> Page:
        """One page of a list, such as `client.list("/v1/payments", limit=20)`."""
        asked = {"limit": limit, "cursor": cursor}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        glue = "&" if "?" in path else "?"
        answer = self.get(f"{path}{glue}{query}" if query else path)
        return Page(answer["data"], answer.get("next_cursor"))

    def all(self, path: str) -> Iterator[Json]:
        """Everything in a list, page by page."""
        page = self.list(path, limit=100)
        yield from page.data
        while page.next_cursor is not None:
            page = self.list(path, limit=100, cursor=page.next_cursor)
            yield from page.data

    def close(self) -> None:
        """Closes the connections that are kept."""
        self._connections.close()

    def _send(self, request: ToSign, idempotency_key: str | None, signed: bool) -> Reply:
        wait = BACKOFF_MIN_SECONDS
        may_be_done = False
        session_is_new = False
        for left in reversed(range(TRIES_MAX)):
            try:
                reply = self._send_once(request, idempotency_key, signed)
            except (Unreachable, OutcomeUnknown, Refused) as fault:
                if isinstance(fault, Refused) and not _is_busy(fault):
                    raise
                may_be_done = may_be_done or isinstance(fault, OutcomeUnknown)
                if left == 0:
                    # An earlier try went out, so "never reached" would be too much said.
                    raise (
                        OutcomeUnknown(str(fault))
                        if isinstance(fault, Unreachable) and may_be_done
                        else fault
                    )
                pause = wait
            else:
                if reply.status == 401 and not signed:
                    # The server may have forgotten the session; a second refusal is the answer.
                    again, session_is_new = not session_is_new, True
                else:
                    again = _is_to_be_repeated(reply)
                if not again or left == 0:
                    return reply
                asked = reply.headers.get("retry-after") or ""
                pause = float(asked) if asked.isdecimal() else wait
            time.sleep(min(pause, BACKOFF_MAX_SECONDS))
            wait = min(wait * 2, BACKOFF_MAX_SECONDS)
        raise AssertionError("the last try answers or raises")

    def _send_once(self, request: ToSign, idempotency_key: str | None, signed: bool) -> Reply:
        if signed:
            return self._exchange(request, self._signature(request), idempotency_key)
        opened = self._current()
        code = session_code(request, opened.session, self._next_nonce())
        reply = self._exchange(request, {"authorization": code}, idempotency_key)
        if reply.status == 401:
            with self._lock:
                if self._session is opened:
                    self._session = None
        return reply

    def _current(self) -> _Open:
        """The session in use. Whoever finds none that lasts opens one, while the others wait."""
        with self._opening:
            session = self._session
            if session is None or session.renew_at_ms <= self.now():
                session = self._open()
                self._session = session
            return session

    def _open(self) -> _Open:
        asked_at = self.now()
        body = json.dumps({"seconds": SESSION_SECONDS}).encode()
        request = ToSign("POST", parse_address(f"{self.base.origin}/v1/sessions"), body)
        answer = _read(self._exchange(request, self._signature(request), None).body)
        if _is_problem(answer):
            raise Refused(answer)
        told = answer if isinstance(answer, dict) else {}
        secret = from_base64url(str(told.get("secret")))
        if not isinstance(told.get("session"), str) or secret is None or len(secret) != 32:
            raise OutcomeUnknown("the session cannot be read")
        lasts_ms = (SESSION_SECONDS - SESSION_MARGIN_SECONDS) * 1_000
        return _Open(Session(told["session"], secret), asked_at + lasts_ms)

    def _signature(self, request: ToSign) -> dict[str, str]:
        return signature_headers(request, self._by, self.now(), self._next_nonce())

    def _next_nonce(self) -> int:
        """Microseconds since 1970, always larger than the one before. Clocks tell milliseconds, so chance
        tells the rest.
        """
        with self._lock:
            self._nonce = max(self.now() * 1_000 + secrets.randbelow(1_000), self._nonce + 1)
            return self._nonce

    def _exchange(self, request: ToSign, auth: dict[str, str], idempotency_key: str | None) -> Reply:
        headers = auth | {"tollbridge-version": _VERSION}
        if request.body:
            headers["content-type"] = "application/json"
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        return self._connections.exchange(
            request.method, request.url.target, headers, request.body, TRY_TIMEOUT_SECONDS, ANSWER_BYTES_MAX
        )


def _is_to_be_repeated(reply: Reply) -> bool:
    """Whether the same request may be answered otherwise in a moment, and was not done now."""
    if reply.status in (503, 429):
        return True
    problem = _read(reply.body)
    if not 400 <= reply.status < 500 or not _is_problem(problem):
        return False
    # Many requests at once may overtake each other by more nonces than the server remembers: draw again.
    return bool(problem["code"] == "nonce_used" or (problem["retryable"] and problem["next"] == "same_id"))


def _is_busy(fault: Refused) -> bool:
    """Whether no session could be opened, for now."""
    problem = fault.problem
    return bool(problem["code"] == "nonce_used" or (problem["status"] == 503 and problem["retryable"]))


def _is_problem(answer: Json) -> bool:
    return isinstance(answer, dict) and {"code", "detail", "status", "next", "retryable"} <= set(answer)


def _read(body: bytes) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _without_none(body: Json) -> Json:
    """What is not said is left out, for the server knows no null."""
    if isinstance(body, dict):
        return {name: value for name, value in body.items() if value is not None}
    if isinstance(body, list):
        return [_without_none(one) for one in body]
    return body


__all__ = ["Client", "Page", "Problem", "Address"]
