"""Runs the files of UCP's conformance tests, unchanged, each in a process of its own, and writes each test and what came of it, a
line each. Arguments: the tests' folder, the shop, the port of the tests' own events, and where the results go. What follows are
tests that are not run."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

SUITE, SHOP, EVENTS, RESULTS = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
LEFT_OUT = sys.argv[5:]


def tests(file: Path) -> list[str]:
    """The tests of a file, as it takes them on its command line."""
    classes = [it for it in ast.parse(file.read_text()).body if isinstance(it, ast.ClassDef)]
    found = [(it.name, part.name) for it in classes for part in it.body if isinstance(part, ast.FunctionDef)]
    return [
        f"{of}.{name}" for of, name in found if name.startswith("test_") and f"{file.stem}::{name}" not in LEFT_OUT
    ]


def run(file: Path, names: list[str]) -> list[dict[str, str]]:
    xml = RESULTS / f"{file.stem}.xml"
    with socket.create_server(("127.0.0.1", 0)) as free:
        agent = free.getsockname()[1]
    flags = [f"--server_url={SHOP}", f"--mock_webhook_port={EVENTS}", f"--mock_agent_port={agent}"]
    with (RESULTS / f"{file.stem}.txt").open("w") as log:
        command = [sys.executable, file.name, *flags, f"--xml_output_file={xml}", *names]
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        # Its status says that something failed, and not what.
        subprocess.run(command, cwd=SUITE, env=environment, stdout=log, stderr=log, check=False)
    rows = []
    for case in ElementTree.parse(xml).iter("testcase"):
        wrong = next((part for part in case if part.tag in ("failure", "error")), None)
        said = "" if wrong is None else (wrong.text or "").strip().splitlines()[-1]
        outcome = "passed" if wrong is None else "failed"
        rows.append({"test": f"{file.stem}::{case.get('name')}", "outcome": outcome, "why": said})
    return rows


def main() -> None:
    with (RESULTS / "outcomes.jsonl").open("w") as file:
        for path in sorted(SUITE.glob("*_test.py")):
            if names := tests(path):
                file.writelines(json.dumps(row) + "\n" for row in run(path, names))


main()
