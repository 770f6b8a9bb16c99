"""The checkers of others, at our gateway and our server: not one warning counts as good."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
from pathlib import Path

from stage import Stage
from trials import equal, trial

WHO = "x402lint"


def lint(*words: str) -> tuple[int, str]:
    """What it says, and its exit status."""
    program = Path(os.environ.get("TOLLBRIDGE_TOOLS", "")) / "x402lint"
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def found(report: str) -> list[str]:
    """What it warns of, or fails."""
    checks = json.loads(report)["checks"]
    return [f"{check}" for check in checks if check["level"] in ("WARN", "FAIL")]


async def main() -> None:
    stage = Stage()
    page = f"{stage.gateway}/cheap.txt"

    async def gateway() -> None:
        status, report = lint("check", "--json", page)
        equal((status, found(report)), (0, []))

    async def twin() -> None:
        def worse(name: str, value: str) -> str:
            if name != "payment-required":
                return value
            asked = json.loads(base64.b64decode(value))
            asked["accepts"][0]["amount"] = "1.5"
            return base64.b64encode(json.dumps(asked).encode()).decode()

        stage.gateway_door.headers = worse
        try:
            _, report = lint("check", "--json", page)
        finally:
            stage.gateway_door.reset()
        assert found(report), report

    async def server() -> None:
        status, report = lint("facilitator", stage.server + "/v1/x402")
        equal(status, 0)
        assert "toll:test" in report and "WARN" not in report.upper(), report

    try:
        await trial(f"{WHO} check → gateway", "no warning", gateway)
        await trial(f"{WHO} check → a gateway with a fraction for an amount", "warns", twin)
        await trial(f"{WHO} facilitator → server", "no warning, and the network is there", server)
    finally:
        stage.close()


asyncio.run(main())
