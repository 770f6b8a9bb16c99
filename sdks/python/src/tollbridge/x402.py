"""x402 with the official package: `register` lets its clients pay from a wallet, and `TollSeller` lets its server
middleware sell to wallets.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from .bill import ForeignBill
from .encoding import base64url, sha256
from .errors import Malformed, TollbridgeError
from .ids import fresh_bits
from .limits import REQUIREMENTS_KEPT_MAX
from .money import AmountLike, asset_parts, read_money
from .wallet import Wallet

if TYPE_CHECKING:
    from x402 import x402Client, x402ClientSync
    from x402.client import SpendControlAsset
    from x402.http import FacilitatorConfig
    from x402.interfaces import PaymentFlowConfig
    from x402.schemas import (
        AssetAmount,
        PaymentCreationContext,
        PaymentRequirements,
        Price,
        SupportedKind,
    )

    AnyClient = TypeVar("AnyClient", x402Client, x402ClientSync)

#: The schemes of our network.
Scheme = Literal["exact", "upto"]


def register(
    client: AnyClient,
    wallet: Wallet,
    *,
    max_price: AmountLike,
    why: str | None = None,
    allowed_assets: Sequence[SpendControlAsset] = (),
) -> AnyClient:
    """Lets an official client pay from this wallet, `exact` and `upto`, each time at most `max_price`.

    Its spend control is replaced: it gets one entry for the wallet's asset with that cap, and `allowed_assets`.
    """
    cap = read_money(max_price, wallet.asset)
    schemes: tuple[Scheme, ...] = ("exact", "upto")
    for scheme in schemes:
        client.register(wallet.network, TollScheme(scheme, wallet, max_price=max_price, why=why))
    code, _ = asset_parts(wallet.asset)
    ours: SpendControlAsset = {
        "network": wallet.network,
        "asset": code,
        "max_amount_per_payment": cap.amount,
    }
    client.set_spend_controls({"allowed_assets": [*allowed_assets, ours]})
    return client


class TollScheme:
    """One of our schemes, for the official client. Its payments wait for the payment service, also in an event
    loop: the official client calls its schemes so.
    """

    def __init__(
        self, scheme: Scheme, wallet: Wallet, *, max_price: AmountLike, why: str | None = None
    ) -> None:
        self.scheme: str = scheme
        #: The client tells the resource only here, and always with the requirements it pays next.
        self.scheme_hooks: Mapping[str, Callable[[PaymentCreationContext], None]] = {
            "on_before_payment_creation": self._before
        }
        self._wallet = wallet
        self._max_price = max_price
        self._why = why
        # By identity: the same requirements, asked for again, are the same payment. Each with its resource and name.
        self._seen: OrderedDict[int, tuple[object, str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def _before(self, context: PaymentCreationContext) -> None:
        resource = getattr(context.payment_required, "resource", None)
        self._name_of(context.selected_requirements, getattr(resource, "url", None) or "")

    def _name_of(self, requirements: object, resource: str) -> tuple[str, str]:
        with self._lock:
            seen = self._seen.get(id(requirements))
            if seen is None:
                seen = (requirements, resource, fresh_bits(self._wallet.client.now()))
                self._seen[id(requirements)] = seen
                if REQUIREMENTS_KEPT_MAX < len(self._seen):
                    self._seen.popitem(last=False)
            return seen[1:]

    def create_payment_payload(self, requirements: PaymentRequirements) -> dict[str, Any]:
        """Pays what was chosen, once. Raises a `TollbridgeError`."""
        resource, name = self._name_of(requirements, "")
        accepted = requirements.model_dump(by_alias=True, exclude_none=True)
        extra: dict[str, Any] = accepted.get("extra") or {}
        asked = {"accepted": json.dumps(accepted, ensure_ascii=False), "resource": resource}
        digest = base64url(sha256(json.dumps(asked).encode()))
        bill = ForeignBill(
            path="/v1/x402/pay",
            # A bill of a gateway has a number. Anybody else asks for the same in the same words, each time anew.
            name=f"x402 {digest}" if "bill" in extra else f"x402 {digest} {name}",
            network=requirements.network,
            payee=requirements.pay_to,
            amount=requirements.amount,
            currency=requirements.asset,
            decimals=extra.get("decimals"),
            authority=extra.get("authority"),
            asked=asked,
        )
        paid = self._wallet.pay_bill(bill, max_price=self._max_price, why=self._why)
        return {"credential": paid.credential}


def refusal(fault: BaseException) -> TollbridgeError | None:
    """Why nothing was paid, where a client put its own error around ours."""
    seen: BaseException | None = fault
    while seen is not None and not isinstance(seen, TollbridgeError):
        seen = seen.__cause__ or seen.__context__
    return seen


class TollSeller:
    """The scheme `exact` of our network, for the official resource server: prices are said as `"0.30 CNY"`. Its
    facilitator is `facilitator(server)`.
    """

    scheme = "exact"
    default_asset_transfer_method = "ledger"

    def __init__(self, server: str, asset: str) -> None:
        """`server` is the payment service, `asset` what is charged, such as `CNY/2`."""
        self._code, self._scale = asset_parts(asset)
        self._asset = asset
        self._authority = _origin(server)

    @property
    def payment_flows(self) -> Mapping[str, PaymentFlowConfig]:
        """The money is held when it is verified, and taken after the answer."""
        return {"ledger": {"supported": ["authorization"], "default": "authorization"}}

    def parse_price(self, price: Price, network: str) -> AssetAmount:
        from x402.schemas import AssetAmount

        if isinstance(price, AssetAmount):
            if price.asset != self._code:
                raise Malformed(f"`{price.asset}` is not `{self._code}`", "asset_mismatch")
            return price
        if not isinstance(price, str):
            raise Malformed('a price is text, such as "0.30 CNY"', "float_refused")
        return AssetAmount(amount=read_money(price, self._asset).amount, asset=self._code)

    def get_asset_decimals(self, asset: str, network: str) -> int | None:
        return self._scale if asset == self._code else None

    def enhance_payment_requirements(
        self, requirements: PaymentRequirements, supported_kind: SupportedKind, extensions: list[str]
    ) -> PaymentRequirements:
        ours = {"decimals": self._scale, "authority": self._authority}
        return requirements.model_copy(update={"extra": {**requirements.extra, **ours}})


def facilitator(server: str) -> FacilitatorConfig:
    """What the official `HTTPFacilitatorClient` is made with, so that this payment service is the facilitator."""
    from x402.http import FacilitatorConfig

    return FacilitatorConfig(url=f"{_origin(server)}/v1/x402")


def _origin(server: str) -> str:
    parts = urlsplit(server)
    return f"{parts.scheme}://{parts.netloc}"
