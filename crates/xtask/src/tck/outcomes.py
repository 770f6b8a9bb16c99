"""A plugin of pytest: writes each test and what came of it into the file that `TOLLBRIDGE_RESULTS` names, a line each."""

import json
import os

import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # A test that is skipped or that breaks before it begins has no call.
    if report.when != "call" and report.passed:
        return
    why = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    with open(os.environ["TOLLBRIDGE_RESULTS"], "a", encoding="utf-8") as file:
        row = {"test": report.nodeid, "outcome": report.outcome, "why": why.removeprefix("Skipped: ")}
        file.write(json.dumps(row) + "\n")
