"""What is known about each purchase, kept before anything is paid, so that one purchase key is paid for once.

A purchase is a row of attempts. Each has one name for its payment, and is kept under a name of its own. `add` decides
between two who begin the same attempt, so both go on with the same payment: whoever comes second repeats it.
"""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path
from typing import Protocol


class PurchaseStore(Protocol):
    """Where purchases are kept. Names are 1 to 64 of `A–Z a–z 0–9 _ - .`."""

    def read(self, name: str) -> str | None:
        """The text under this name, if there is one."""

    def add(self, name: str, text: str) -> bool:
        """Keeps the text unless there is one already; says whether it did. When it returns, the text survives
        power loss.
        """

    def replace(self, name: str, text: str) -> None:
        """Keeps the text in place of the one there is. When it returns, the text survives power loss."""


class MemoryStore:
    """A store that forgets everything with the process: for trying things out."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}
        self._lock = threading.Lock()

    def read(self, name: str) -> str | None:
        return self._kept.get(name)

    def add(self, name: str, text: str) -> bool:
        with self._lock:
            if name in self._kept:
                return False
            self._kept[name] = text
            return True

    def replace(self, name: str, text: str) -> None:
        self._kept[name] = text


class FileStore:
    """Purchases in a directory: one file for each attempt, written beside, synced, and put in place whole."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = Path(directory)

    def read(self, name: str) -> str | None:
        try:
            return self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def add(self, name: str, text: str) -> bool:
        beside = self._write(name, text)
        try:
            os.link(beside, self._path(name))
        except FileExistsError:
            return False
        finally:
            beside.unlink()
        self._sync()
        return True

    def replace(self, name: str, text: str) -> None:
        self._write(name, text).rename(self._path(name))
        self._sync()

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _write(self, name: str, text: str) -> Path:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._directory / f"{name}.{secrets.token_hex(8)}.new"
        with os.fdopen(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return beside

    def _sync(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
