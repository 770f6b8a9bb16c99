"""Trials of official packages: each is one row of `docs/interop.md`. A trial that fails is written down and does not
stop the others; who runs them judges by the list of known failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from stage import Stage

_RESULTS = os.environ.get("TOLLBRIDGE_RESULTS")
_ONLY = os.environ.get("TOLLBRIDGE_TRIAL", "")


async def trial(who: str, what: str, run: Callable[[], Awaitable[None]]) -> None:
    """Runs one trial of `who`, and writes down what came of it."""
    if _ONLY not in f"{who}: {what}":
        return
    failure = ""
    try:
        await run()
    except Exception:
        failure = traceback.format_exc()
    print(f"{'FAILED' if failure else 'ok'} {who}: {what}\n{failure}".rstrip(), flush=True)
    if _RESULTS:
        row = {
            "program": os.environ.get("TOLLBRIDGE_PROGRAM"),
            "who": who,
            "what": what,
            "result": "failed" if failure else "ok",
        }
        with open(_RESULTS, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


async def spent(stage: Stage, work: Callable[[], Awaitable[None]]) -> int:
    """What `work` takes from the wallet, in fen. Money that is held is taken."""
    before = stage.left()
    await work()
    return before - stage.left()


async def rejection(work: Awaitable[object]) -> Exception:
    """What `work` is refused with."""
    try:
        await work
    except Exception as fault:
        return fault
    raise AssertionError("it was not refused")


def equal(found: object, expected: object) -> None:
    assert found == expected, f"{found!r} is not {expected!r}"


_LINES_MAX = 15


def ran_as_written(stage: Stage, page: str) -> str:
    """Runs the program of a page in `docs`, as a reader finds it there, at this stage; what it said."""
    text = (Path(os.environ["TOLLBRIDGE_DOCS"]) / page).read_text(encoding="utf-8")
    program = text.split("```python\n")[1].split("```")[0]
    assert len(program.splitlines()) <= _LINES_MAX, page
    ours = (
        program.replace("http://127.0.0.1:8410/tolls.txt", f"{stage.gateway}/cheap.txt")
        .replace("http://127.0.0.1:8402", stage.server)
        .replace("agent.json", stage.key)
    )
    environment = os.environ | {"TOLLBRIDGE_PURCHASES": stage.at("examples")}
    words = [sys.executable, "-c", ours]
    return subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
