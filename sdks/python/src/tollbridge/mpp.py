"""The `Payment` scheme with the official package `pympp`: the method `toll`, intent `charge`, for its client and for
its server, and intent `session` for its client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from mpp import Challenge, Credential, Receipt
from mpp.errors import VerificationFailedError
from mpp.methods import Method
from mpp.runtime import ClientMethod, CredentialParams
from mpp.server.method import RequestContext, ServerMethod, VerifyContext
from pydantic import BaseModel, Field

from .bill import ForeignBill
from .encoding import base64url, from_base64url, sha256
from .errors import Malformed, OutcomeUnknown
from .limits import BACKOFF_MIN_SECONDS, CLOSE_TRIES_MAX, SELLER_TIMEOUT_SECONDS, TRY_TIMEOUT_SECONDS
from .money import AmountLike, Money, asset_parts, read_money
from .session import AskedVoucher, Session, SessionLimits, SignedVoucher
from .wallet import Wallet


Came = TypeVar("Came")


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


class _SessionRequest(_Request):
    suggested_deposit: str | None = Field(None, alias="suggestedDeposit")
    unit_type: str | None = Field(None, alias="unitType")


class _SessionPayload(BaseModel):
    action: str
    channel_id: str = Field(alias="channelId")
    cumulative_amount: str = Field(alias="cumulativeAmount")
    signature: str


_SESSION = Method(name="toll", intent="session", request_model=_SessionRequest, payload_model=_SessionPayload)


class TollSession:
    """The intent `session` of the method `toll`: pays calls at one seller by vouchers from this wallet, each at most
    `max_price`, all together at most `cap`. One call of a session is under way at a time.

    `method` is for the official client. `close` ends the session at any address that is sold by it, and answers what
    the session came to. A `session` of the same name goes on; by default there is one with each seller.
    """

    def __init__(
        self,
        wallet: Wallet,
        *,
        max_price: AmountLike,
        cap: AmountLike,
        deposit: AmountLike | None = None,
        session: str | None = None,
    ) -> None:
        self._wallet = wallet
        self._limits = SessionLimits(max_price, cap, deposit)
        self._name = session
        self._latest: Challenge | None = None
        self.method = ClientMethod(method=_SESSION, create_credential=self._create_credential)

    async def close(self, url: str, *, http_method: str = "GET") -> Money:
        """Ends the session; raises `OutcomeUnknown` where it is not settled yet."""
        if self._latest is None:
            raise Malformed("this session has paid nothing yet")
        challenge = self._latest
        name = self._name_at(challenge)
        for turn in range(CLOSE_TRIES_MAX):
            last = await self._with(name, Session.last)
            if last is None:
                break
            answer = await _told(http_method, url, _shown(challenge, "close", last))
            if answer.status_code in (409, 503):
                # A call is about to end.
                await asyncio.sleep(BACKOFF_MIN_SECONDS * 2**turn)
                continue
            again = _session_of(answer) if answer.status_code == 402 else None
            if again is None:
                break
            standing = _asked_for(again).standing
            # Who says nothing about it knows it no more.
            if standing is None and again.id == challenge.id:
                break
            challenge = again
            if standing is not None:
                await self._with(name, partial(Session.correct, standing=standing))
        # What it came to is our own server's to say.
        return await self._with(name, Session.settled)

    async def _create_credential(self, params: CredentialParams) -> str:
        self._latest = challenge = params.challenge
        sign = partial(Session.sign, asked=_asked_for(challenge), limits=self._limits)
        voucher = await self._with(self._name_at(challenge), sign)
        return _shown(challenge, "open" if voucher.is_first else "voucher", voucher)

    async def _with(self, name: str, work: Callable[[Session], Came]) -> Came:
        """Works with the session in a thread of its own: it waits for the disk, the server, and its turn."""

        def in_turn() -> Came:
            with self._wallet.session(name) as ours:
                return work(ours)

        return await asyncio.to_thread(in_turn)

    def _name_at(self, challenge: Challenge) -> str:
        return self._name or f"mpp {_asked_for(challenge).payee}"


def _asked_for(challenge: Challenge) -> AskedVoucher:
    request = challenge.request
    details = request.get("methodDetails") or {}
    return AskedVoucher(
        network=details.get("network"),
        payee=request.get("recipient"),
        currency=request.get("currency"),
        decimals=details.get("decimals"),
        authority=details.get("authority"),
        unit=request.get("unitType"),
        price=request.get("amount"),
        deposit=request.get("suggestedDeposit"),
        standing=details.get("session"),
    )


def _shown(challenge: Challenge, action: str, voucher: SignedVoucher) -> str:
    payload = {
        "action": action,
        "channelId": voucher.channel_id,
        "cumulativeAmount": voucher.cumulative_amount,
        "signature": voucher.signature,
    }
    return Credential(challenge=challenge.to_echo(), payload=payload).to_authorization()


async def _told(method: str, url: str, authorization: str) -> httpx.Response:
    headers = {"authorization": authorization}
    try:
        async with httpx.AsyncClient(timeout=SELLER_TIMEOUT_SECONDS, headers=headers) as client:
            return await client.request(method, url)
    except httpx.HTTPError as fault:
        raise OutcomeUnknown(f"the seller did not answer: {fault}") from fault


def _session_of(answer: httpx.Response) -> Challenge | None:
    for value in answer.headers.get_list("www-authenticate"):
        try:
            challenge = Challenge.from_www_authenticate(value)
        except Exception:  # One that the official package cannot read is not ours.
            continue
        if (challenge.method, challenge.intent) == ("toll", "session"):
            return challenge
    return None


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
