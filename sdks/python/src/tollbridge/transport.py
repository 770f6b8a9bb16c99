"""One HTTP exchange after the other, with nothing done behind the caller's back: no redirects, no repetition,
no proxy."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from dataclasses import dataclass
from email.message import Message

from .address import Address
from .errors import OutcomeUnknown, Unreachable
from .limits import CONNECT_TIMEOUT_SECONDS, IDLE_CONNECTIONS_MAX


@dataclass(frozen=True)
class Reply:
    """What came back, whatever it says."""

    status: int
    headers: Message
    body: bytes


class Connections:
    """Connections to one origin. Those that were used are kept for the next request, where `keep` says so."""

    def __init__(self, url: Address, keep: bool) -> None:
        self._url = url
        self._keep = keep
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._tls = ssl.create_default_context() if url.scheme == "https" else None

    def exchange(
        self, method: str, target: str, headers: dict[str, str], body: bytes, seconds: float, bytes_max: int
    ) -> Reply:
        """Sends one request. Raises `Unreachable` where no connection was made, and `OutcomeUnknown` where it
        got lost.
        """
        deadline = time.monotonic() + seconds
        connection = self._take()
        try:
            connection.timeout = seconds
            if connection.sock is not None:
                connection.sock.settimeout(seconds)
            connection.request(method, target, body or None, {"host": self._url.authority} | headers)
            response = connection.getresponse()
            parts = []
            length = 0
            while part := response.read(65_536):
                parts.append(part)
                length += len(part)
                if bytes_max < length:
                    raise OutcomeUnknown("the answer is too long")
                if deadline < time.monotonic():
                    raise OutcomeUnknown("the answer takes too long")
            if response.length:
                raise OutcomeUnknown("the answer is cut off")
            response.close()
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            raise OutcomeUnknown(_said(fault)) from fault
        except BaseException:
            connection.close()
            raise
        if self._keep and not response.will_close:
            self._give_back(connection)
        else:
            connection.close()
        return Reply(response.status, response.headers, b"".join(parts))

    def close(self) -> None:
        """Closes the connections that are kept."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> http.client.HTTPConnection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        host = self._url.host.strip("[]")
        if self._tls is None:
            connection = http.client.HTTPConnection(
                host, self._url.port or 80, timeout=CONNECT_TIMEOUT_SECONDS
            )
        else:
            connection = http.client.HTTPSConnection(
                host, self._url.port or 443, timeout=CONNECT_TIMEOUT_SECONDS, context=self._tls
            )
        try:
            connection.connect()
        except OSError as fault:
            connection.close()
            raise Unreachable(_said(fault)) from fault
        return connection

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < IDLE_CONNECTIONS_MAX:
                self._idle.append(connection)
                return
        connection.close()


def _said(fault: Exception) -> str:
    return str(fault) or type(fault).__name__
