"""Asks a shop whatever ACP's own OpenAPI description allows, and much that it does not, by schemathesis.

Arguments: schemathesis, the folder of ACP's repository, where the shop is, the key of its client, a seed; and the check that has
to find something where the shop is broken on purpose, or `-`. Nothing may end in a 5xx, and whatever differs from the description
is listed here with its reason, or fails; so does a line that is no longer true."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM, ACP, AT, KEY, SEED, FOUND_BY = sys.argv[1:7]

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "ignored_auth",
]

# How many requests were made when this was written: far fewer would be a suite that did not run.
REQUESTS_LEAST = 1500
DONE_LEAST = 100

VERSIONS = "Additional properties are not allowed ('supported_versions' was unexpected)"
ORDER = "Additional properties are not allowed ('order' was unexpected)"
SESSION = "/checkout_sessions/{checkout_session_id}"

# What differs, as check, operation and words; and why.
KNOWN = {
    # The JSON Schema of the same name has it: the error about versions says which there are.
    ("JsonSchemaError", "POST /checkout_sessions", VERSIONS),
    ("JsonSchemaError", f"POST {SESSION}", VERSIONS),
    ("JsonSchemaError", f"POST {SESSION}/complete", VERSIONS),
    ("JsonSchemaError", f"POST {SESSION}/cancel", VERSIONS),
    # A session with its order is one that allows no further member, with one: nothing fits that.
    ("JsonSchemaError", f"GET {SESSION}", ORDER),
    ("JsonSchemaError", f"POST {SESSION}/complete", ORDER),
}

# Of these two operations the description says nothing about strangers, other versions and sessions that are not there. Which of
# them a run comes to is chance.
SOMETIMES = {
    ("UndefinedStatusCode", operation, f"Received: {status}")
    for operation in (f"GET {SESSION}", f"POST {SESSION}/cancel")
    for status in (400, 401, 404)
}


def failures(report):
    """Each failed check of the events, as check, operation and words; and how many requests were made and done."""
    found, made, done = set(), 0, 0
    for line in report.read_text().splitlines():
        event = json.loads(line)
        recorder = event.get("ScenarioFinished", {}).get("recorder")
        if not recorder:
            continue
        interactions = recorder.get("interactions", {}).values()
        made += len(interactions)
        done += sum(1 for it in interactions if 200 <= ((it.get("response") or {}).get("status_code") or 0) < 300)
        for checks in recorder.get("checks", {}).values():
            for check in checks:
                failure = (check.get("failure_info") or {}).get("failure")
                if failure:
                    found.add((failure["type"] if "type" in failure else failure["title"], recorder["label"], words(failure)))
    return found, made, done


def words(failure):
    """What is the same for each request that fails in the same way."""
    text = failure.get("message") or failure.get("title") or ""
    return re.split(r"\n", text)[0][:160]


def main():
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "events.ndjson"
        command = [PROGRAM, "run", str(Path(ACP) / "spec/2026-04-17/openapi/openapi.agentic_checkout.yaml"), "--url", AT,
                   "-H", f"Authorization: Bearer {KEY}", "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing",
                   "--max-examples", "40", "--seed", SEED, "--generation-database", "none", "--suppress-health-check", "all",
                   "--continue-on-failure", "--no-color", "--report", "ndjson", "--report-ndjson-path", str(report)]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if not report.exists():
            sys.exit(ran.stdout + ran.stderr)
        found, made, done = failures(report)
    if FOUND_BY != "-":
        hits = [failure for failure in found if failure[0] == FOUND_BY]
        print(f"  {made} requests, {len(found - KNOWN - SOMETIMES)} differences that are not listed, {len(hits)} of them by {FOUND_BY}")
        sys.exit(0 if hits else 1)
    faults = [f"not listed: {' | '.join(failure)}" for failure in sorted(found - KNOWN - SOMETIMES)]
    faults += [f"listed, and not found any more: {' | '.join(failure)}" for failure in sorted(KNOWN - found)]
    if made < REQUESTS_LEAST or done < DONE_LEAST:
        faults.append(f"only {made} requests were made, and {done} done")
    for fault in faults:
        print(f"✗ {fault}", file=sys.stderr)
    print(f"  {made} requests by ACP's description, {done} of them done, {len(KNOWN)} differences that are listed, no 5xx")
    sys.exit(1 if faults else 0)


main()
