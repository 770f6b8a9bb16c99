"""Holds what a shop and a buyer say in ACP and UCP against the published schemas, and what is broken on purpose as well.

Arguments: our program, the folder of ACP's repository, the folder of UCP's; `-` where there is none."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import yaml

OURS, ACP, UCP = sys.argv[1:4]

# What cannot fit, and why. A line that is no longer true fails, and so does whatever is missing here.
KNOWN = {
    # The OpenAPI description's `CheckoutSessionWithOrder` is the session, which allows no further member, and an order beside
    # it: nothing fits both. The JSON Schema of the same name does not say so.
    ("acp session with order", "openapi: Additional properties are not allowed ('order' was unexpected)"),
    # The versions that there are belong to the error about versions by the JSON Schema, and not by the OpenAPI description.
    ("acp error", "openapi: Additional properties are not allowed ('supported_versions' was unexpected)"),
}

BROKEN = {
    "acp-amount-text": "acp session",
    "acp-status": "acp session",
    "acp-handler": "acp session",
    "acp-create-bare": "acp create",
    "ucp-create-count": "ucp create",
    "acp-error-nested": "acp error",
    "ucp-no-total": "ucp checkout",
    "ucp-discount-up": "ucp checkout",
    "ucp-severity": "ucp error",
    "ucp-order-status": "ucp order",
    "ucp-no-endpoint": "ucp profile",
    "ucp-no-method": "ucp checkout",
    "ucp-applied-down": "ucp checkout",
}

ACP_SCHEMAS = {
    "acp session": "CheckoutSession",
    "acp session with order": "CheckoutSessionWithOrder",
    "acp error": "Error",
    "acp create": "CheckoutSessionCreateRequest",
    "acp complete": "CheckoutSessionCompleteRequest",
}

# Each file, and what of it is meant where that is not the whole. Extensions have a checkout of their own.
CHECKOUT = "dev.ucp.shopping.checkout"
UCP_SCHEMAS = {
    "ucp checkout": [
        ("schemas/shopping/checkout.json", None),
        ("schemas/shopping/fulfillment.json", CHECKOUT),
        ("schemas/shopping/discount.json", CHECKOUT),
    ],
    "ucp order": [("schemas/shopping/order.json", None)],
    "ucp error": [("schemas/shopping/types/error_response.json", None)],
    "ucp profile": [("discovery/profile_schema.json", "business_profile")],
    "ucp create": [("schemas/shopping/checkout.json", None)],
    "ucp complete": [("schemas/shopping/checkout.json", None)],
}


def said(*arguments):
    lines = subprocess.run([OURS, *arguments], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in lines.splitlines()]


class Acp:
    def __init__(self, folder):
        self.folder = Path(folder)
        spec = self.folder / "spec/2026-04-17"
        schema = json.loads((spec / "json-schema/schema.agentic_checkout.json").read_text())
        described = yaml.safe_load((spec / "openapi/openapi.agentic_checkout.yaml").read_text())
        self.schemas = [
            ("", {"$defs": schema["$defs"]}, "#/$defs/"),
            ("openapi: ", {"components": described["components"]}, "#/components/schemas/"),
        ]

    def faults(self, message):
        found = []
        for where, schemas, names in self.schemas:
            if message["kind"] == "acp event":
                order = {"$ref": f"{names}Order", "required": ["type", "checkout_session_id", "permalink_url", "status"]}
                schema = {"type": "object", "additionalProperties": False, "required": ["type", "data"],
                          "properties": {"type": {"type": "string"}, "data": order}}
            else:
                schema = {"$ref": names + ACP_SCHEMAS[message["kind"]]}
            validator = jsonschema.Draft202012Validator({**schemas, **schema}, format_checker=jsonschema.FormatChecker())
            found += [where + fault.message for fault in validator.iter_errors(message["body"])]
        return found

    def requests(self):
        """Every request of the published examples, and whether it is to be read."""
        file = self.folder / "examples/2026-04-17/examples.agentic_checkout.json"
        for name, body in json.loads(file.read_text()).items():
            kinds = {"create_": "acp create", "update_": "acp update", "complete_": "acp complete", "cancel_": "acp cancel"}
            kind = next((kind for start, kind in kinds.items() if name.startswith(start)), None)
            if kind and "_request" in name and "_response" not in name:
                # Their instruments are cards and saved cards of others; ours takes none.
                yield name, kind, body, "only `tollbridge_token`" if kind == "acp complete" else None


class Ucp:
    def __init__(self, folder):
        self.source = Path(folder) / "source"
        self.program = shutil.which("ucp-schema")
        if not self.program:
            sys.exit("ucp-schema is missing: cargo install ucp-schema --version 1.4.1 --locked")

    def faults(self, message):
        found = []
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(message["body"], file)
            file.flush()
            asked = message["kind"].split()[1]
            way = ["--request", "--op", asked] if asked in ("create", "complete") else ["--response", "--op", "read"]
            base = ["--schema-local-base", str(self.source)]
            for schema, part in UCP_SCHEMAS[message["kind"]]:
                command = [self.program, "validate", file.name, "--schema", str(self.source / schema), *way, *base]
                command += ["--def", part] if part else []
                ran = subprocess.run(command, capture_output=True, text=True)
                found += [] if ran.returncode == 0 else [(ran.stdout + ran.stderr).strip()]
        return found


def held(oracles, messages):
    """What does not fit, as kind and words."""
    found = set()
    for message in messages:
        oracle = oracles.get(message["kind"].split()[0])
        if oracle:
            found |= {(message["kind"], fault) for fault in oracle.faults(message)}
    return found


def main():
    oracles = {name: kind(folder) for name, kind, folder in (("acp", Acp, ACP), ("ucp", Ucp, UCP)) if folder != "-"}
    for name in ("acp", "ucp"):
        if name not in oracles:
            print(f"  {name}: skipped, nobody says where its specification is")
    known = {(kind, fault) for kind, fault in KNOWN if kind.split()[0] in oracles}
    messages = said()
    found = held(oracles, messages)
    faults = [f"does not fit: {kind}: {fault}" for kind, fault in sorted(found - known)]
    faults += [f"fits now, and is listed: {kind}: {fault}" for kind, fault in sorted(known - found)]
    for name, kind in BROKEN.items():
        if kind.split()[0] in oracles and not any(it == kind for it, _ in held(oracles, said("--break", name)) - known):
            faults.append(f"broken on purpose and not found: {name}")
    read = 0
    if "acp" in oracles:
        requests = list(oracles["acp"].requests())
        lines = "".join(json.dumps({"kind": kind, "body": body}) + "\n" for _, kind, body, _ in requests)
        ran = subprocess.run([OURS, "read"], input=lines, capture_output=True, text=True, check=True).stdout
        for (name, _, _, due), line in zip(requests, ran.splitlines(), strict=True):
            fault = json.loads(line)["fault"]
            if (fault is None) != (due is None) or due and due not in fault:
                faults.append(f"their request {name}: {fault}")
            read += 1
    for fault in faults:
        print(f"✗ {fault}", file=sys.stderr)
    count = sum(1 for message in messages if message["kind"].split()[0] in oracles)
    print(f"  {count} messages of ours, {len(known)} that cannot fit; {read} requests of theirs")
    sys.exit(1 if faults else 0)


main()
