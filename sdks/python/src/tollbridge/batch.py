"""Payments that wait together travel together: while one request is under way, the next array fills.

A payment that comes alone leaves at once; what other threads ask meanwhile leaves together after it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from .client import Client, Json
from .errors import OutcomeUnknown
from .limits import PAYMENTS_MAX


class Batches:
    """Sends payments in arrays, one request at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: list[tuple[dict[str, Any], Future[Json]]] = []
        self._sending = False
        self._lock = threading.Lock()

    def pay(self, payments: list[dict[str, Any]]) -> list[Future[Json]]:
        """Sends payments with those that are asked at the same time; each is answered for itself."""
        futures: list[Future[Json]] = [Future() for _ in payments]
        with self._lock:
            self._waiting.extend(zip(payments, futures))
            starts = not self._sending
            self._sending = True
        if starts:
            threading.Thread(target=self._send_all, name="tollbridge-payments", daemon=True).start()
        return futures

    def _send_all(self) -> None:
        while True:
            with self._lock:
                batch, self._waiting = self._waiting[:PAYMENTS_MAX], self._waiting[PAYMENTS_MAX:]
                if not batch:
                    self._sending = False
                    return
            try:
                _, answer = self._client.request("POST", "/v1/payments", [payment for payment, _ in batch])
                if not isinstance(answer, list) or len(answer) != len(batch):
                    raise OutcomeUnknown("it is not one result for each payment")
            except BaseException as fault:
                for _, future in batch:
                    future.set_exception(fault)
            else:
                for (_, future), result in zip(batch, answer):
                    future.set_result(result)
