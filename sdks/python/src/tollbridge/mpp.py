"""The `Payment` scheme with the official package `pympp`: the method `toll`, intent `charge`, for its client and for
its server.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from mpp import Credential, Receipt
from mpp.errors import VerificationFailedError
from mpp.methods import Method
from mpp.runtime import ClientMethod, CredentialParams
from mpp.server.method import RequestContext, ServerMethod, VerifyContext
from pydantic import BaseModel, Field

from .bill import ForeignBill
from .encoding import base64url, from_base64url, sha256
from .errors import Malformed
from .limits import TRY_TIMEOUT_SECONDS
from .money import AmountLike, asset_parts, read_money
from .wallet import Wallet


class _Request(BaseModel):
    amount: str
    currency: str | None = None
    recipient: str | None = None
    description: str | None = None
    external_id: str | None = Field(None, alias="externalId")
    method_details: dict[str, Any] | None = Field(None, alias="methodDetails")


class _Payload(BaseModel):
    credential: str


_METHOD = Method(name="toll", intent="charge", request_model=_Request, payload_model=_Payload)


def toll(wallet: Wallet, *, max_price: AmountLike, why: str | None = None) -> ClientMethod:
    """The method `toll` for the official client: pays from this wallet, each time at most `max_price`. What is not
    paid raises a `TollbridgeError`.
    """

    async def create_credential(params: CredentialParams) -> str:
        echo = params.challenge.to_echo()
        # The server is told the challenge in the very text in which the credential will carry it.
        text = _challenge_text(Credential(challenge=echo, payload={}).to_authorization())
        request = params.challenge.request
        details = request.get("methodDetails") or {}
        bill = ForeignBill(
            path="/v1/mpp/pay",
            name=f"mpp {base64url(sha256(text.encode()))}",
            network=details.get("network"),
            payee=request.get("recipient"),
            amount=request.get("amount"),
            currency=request.get("currency"),
            decimals=details.get("decimals"),
            authority=details.get("authority"),
            asked={"challenge": text},
        )
        paid = await asyncio.to_thread(wallet.pay_bill, bill, max_price=max_price, why=why)
        return Credential(challenge=echo, payload={"credential": paid.credential}).to_authorization()

    return ClientMethod(method=_METHOD, create_credential=create_credential)


def _challenge_text(authorization: str) -> str:
    data = from_base64url(authorization.removeprefix("Payment "))
    if data is None:
        raise Malformed("the challenge cannot be written")
    return json.dumps(json.loads(data)["challenge"], ensure_ascii=False)


def toll_seller(*, server: str, payee: str, asset: str, network: str) -> ServerMethod:
    """The method `toll` for the official server: collects at the payment service `server`, each challenge once.

    `asset` is what is charged, such as `CNY/2`; amounts are then said as `"0.30 CNY"`. `network` is `toll:main` or
    `toll:test`.
    """
    code, scale = asset_parts(asset)
    parts = urlsplit(server)
    origin = f"{parts.scheme}://{parts.netloc}"

    def resolve_request(context: RequestContext) -> dict[str, Any]:
        return {
            **context.request,
            "amount": read_money(context.request["amount"], asset).amount,
            "currency": code.lower(),
            "recipient": payee,
            "methodDetails": {"authority": origin, "decimals": scale, "network": network},
        }

    async def broadcast(context: VerifyContext) -> Receipt:
        payload = _Payload.model_validate(context.credential.payload).model_dump()
        shown = Credential(challenge=context.credential.challenge, payload=payload)
        body = {"authorization": shown.to_authorization()}
        headers = {"tollbridge-version": "2026-11-01"}
        try:
            async with httpx.AsyncClient(timeout=TRY_TIMEOUT_SECONDS, headers=headers) as client:
                answer = await client.post(f"{origin}/v1/mpp/settle", json=body)
            said: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as fault:
            raise VerificationFailedError("the payment service did not answer; ask again") from fault
        if answer.status_code != 201:
            raise VerificationFailedError(str(said.get("detail", f"status {answer.status_code}")))
        return Receipt(status="success", timestamp=datetime.now(UTC), reference=said["hold"], method="toll")

    return ServerMethod(method=_METHOD, resolve_request=resolve_request, broadcast=broadcast)
