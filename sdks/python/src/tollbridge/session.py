"""A session at one seller: many calls paid by vouchers, each of which says what everything so far comes to.

The money is set aside in a channel at the payment service, and one channel follows another within a cap over all. What
a voucher says is kept before it leaves, so whatever dies in between, nothing is signed that goes beyond one call that
was asked for. A seller's word about what is owed is taken only as far as it was signed for.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .address import parse_address
from .buy import Buyer
from .encoding import base64url, from_base64url, sha256
from .errors import (
    DemandRefused,
    Malformed,
    OutcomeUnknown,
    OwnerAsked,
    PurchaseFault,
    Refused,
    TollbridgeError,
    TooDear,
    reason_of,
)
from .ids import read_bits
from .limits import CHANNEL_MARGIN_SECONDS, CHANNEL_SECONDS, PURCHASE_KEY_BYTES_MAX
from .money import AmountLike, Money, asset_parts, read_money

_NANOS = 10**9
_DOMAIN = b"toll:voucher/1\n"


@dataclass(frozen=True)
class SessionLimits:
    """What a session may spend."""

    #: The most that one call may cost, such as `"0.001 CNY"`: it may be less than a smallest unit.
    max_price: AmountLike
    #: The most that all channels of the session may come to together.
    cap: AmountLike
    #: What each channel sets aside, where the cap leaves as much; by default what the seller asks for.
    deposit: AmountLike | None = None


@dataclass(frozen=True)
class AskedVoucher:
    """What a seller asks for a call. Sums are in billionths of the smallest unit, as text."""

    network: object
    payee: object
    currency: object
    #: The decimals of a billionth.
    decimals: object
    authority: object
    unit: object
    price: object
    deposit: object
    #: How a channel stands with the seller, where it says so.
    standing: object = None


@dataclass(frozen=True)
class SignedVoucher:
    """A voucher, as text."""

    channel_id: str
    cumulative_amount: str
    signature: str
    #: Whether it is the first of its channel.
    is_first: bool = False


@dataclass
class _Channel:
    id: str
    #: In smallest units.
    deposit: str
    expires_at: str
    seed: str
    #: `opening`: whether it was opened is to be asked under its name. `asked`: nothing was set aside under it. `open`.
    stage: str = "opening"
    #: What is owed as far as this side knows, and the most that was signed, in billionths.
    owed: str = "0"
    signed_max: str = "0"
    approval: str | None = None


@dataclass
class _Kept:
    session: str
    payee: str
    wallet: str
    #: What earlier channels came to, or set aside where that is not known, in smallest units.
    earlier: str = "0"
    channel: _Channel | None = None


class Session:
    """The vouchers of one session. One at a time may use it: `Wallet.session` sees to it within this process."""

    def __init__(self, buyer: Buyer, name: str) -> None:
        if not 0 < len(name.encode()) <= PURCHASE_KEY_BYTES_MAX:
            raise PurchaseFault(
                "purchase_key_length", f"the name of a session has 1 to {PURCHASE_KEY_BYTES_MAX} bytes"
            )
        self._buyer = buyer
        self._name = name
        self._file = base64url(sha256(b"session\n" + name.encode())) + ".session"

    def sign(self, asked: AskedVoucher, limits: SessionLimits) -> SignedVoucher:
        """Signs for one more call, and opens a channel where there is none with room for it.

        Raises `TooDear`, `DemandRefused`, `Refused` or `OwnerAsked`, where nothing was set aside, and `OutcomeUnknown`
        where nobody can say whether a channel was opened: asking again opens no second one.
        """
        payee, price, deposit = self._check(asked, limits)
        kept = self._read() or _Kept(self._name, payee, self._buyer.wallet)
        if kept.payee != payee:
            raise DemandRefused(f"session `{self._name}` is with another seller", "session_differs")
        if kept.channel is not None:
            _believe(kept.channel, asked.standing)
        if (
            kept.channel is not None
            and kept.channel.stage == "open"
            and not self._has_room(kept.channel, price)
        ):
            # What is left of it comes back by itself at its end.
            kept.earlier = str(int(kept.earlier) + int(kept.channel.deposit))
            kept.channel = None
        if kept.channel is None:
            kept.channel = self._choose(kept, price, deposit, limits)
        channel = kept.channel
        if channel.stage == "asked":
            channel.id = self._buyer.client.fresh_id("mtr")
            channel.stage = "opening"
        if channel.stage == "opening":
            self._open(kept, channel)
        is_first = channel.signed_max == "0"
        channel.owed = str(int(channel.owed) + price)
        channel.signed_max = str(max(int(channel.signed_max), int(channel.owed)))
        self._write(kept)
        return _signed(channel, is_first)

    def last(self) -> SignedVoucher | None:
        """A voucher for what is owed, to close the open channel with; none where none is open."""
        kept = self._read()
        if kept is None or kept.channel is None or kept.channel.stage != "open":
            return None
        return _signed(kept.channel, False)

    def correct(self, standing: object) -> None:
        """Takes a seller's word about what is owed on the open channel, as far as it was signed for."""
        kept = self._read()
        if kept is not None and kept.channel is not None:
            _believe(kept.channel, standing)
            self._write(kept)

    def settled(self) -> Money:
        """Asks our own server what the channel came to, and forgets it once it has ended."""
        kept = self._read()
        if kept is None or kept.channel is None:
            return Money("0" if kept is None else kept.earlier, self._buyer.asset)
        state = self._buyer.client.get(f"/v1/meters/{kept.channel.id}")
        if state["status"] == "held":
            raise OutcomeUnknown(
                f"channel `{kept.channel.id}` is not settled yet; its rest comes back by itself at "
                f"{kept.channel.expires_at}"
            )
        captured = state.get("captured") or {"amount": "0"}
        kept.earlier = str(int(kept.earlier) + int(captured["amount"]))
        kept.channel = None
        self._write(kept)
        return Money(kept.earlier, self._buyer.asset)

    def _check(self, asked: AskedVoucher, limits: SessionLimits) -> tuple[str, int, int]:
        """Compares what is asked with what this wallet pays. Nothing was set aside yet."""
        buyer = self._buyer
        code, scale = asset_parts(buyer.asset)
        if asked.network != buyer.network:
            raise DemandRefused(f"it cannot be paid on `{buyer.network}`", "method_unsupported")
        if asked.unit != "call":
            raise DemandRefused("it is not sold by the call", "method_unsupported")
        if f"{asked.currency}".upper() != code or asked.decimals != scale + 9:
            raise DemandRefused(f"it is not in billionths of `{buyer.asset}`", "asset_mismatch")
        if _origin(str(asked.authority)) != buyer.client.base.origin:
            raise DemandRefused("it names another payment service than ours", "psp_differs")
        payee = str(asked.payee)
        if buyer.payees and payee not in buyer.payees:
            raise DemandRefused(f"seller `{payee[:48]}` is not one to buy from", "payee_not_chosen")
        price, nanos = _sum(asked.price), f"{code}/{scale + 9}"
        most = read_money(limits.max_price, nanos)
        if price == 0:
            raise DemandRefused("its price is nothing")
        if int(most.amount) < price:
            raise TooDear(Money(str(price), nanos).in_words(), most.in_words())
        return payee, price, _sum(asked.deposit)

    def _has_room(self, channel: _Channel, price: int) -> bool:
        ends_ms = datetime.fromisoformat(channel.expires_at).timestamp() * 1_000
        fits = int(channel.owed) + price <= int(channel.deposit) * _NANOS
        return fits and CHANNEL_MARGIN_SECONDS * 1_000 < ends_ms - self._buyer.client.now()

    def _choose(self, kept: _Kept, price: int, asked: int, limits: SessionLimits) -> _Channel:
        """A new channel, as large as the cap allows."""
        asset, client = self._buyer.asset, self._buyer.client
        least = -(-max(asked, price) // _NANOS)
        left = max(0, int(read_money(limits.cap, asset).amount) - int(kept.earlier))
        if left < least:
            needed, leaves = Money(str(least), asset).in_words(), Money(str(left), asset).in_words()
            raise DemandRefused(
                f"a channel of {needed} is needed, and the cap leaves {leaves}", "cap_reached"
            )
        wanted = least if limits.deposit is None else int(read_money(limits.deposit, asset).amount)
        ends = datetime.fromtimestamp(client.now() // 1_000 + CHANNEL_SECONDS, UTC)
        return _Channel(
            id=client.fresh_id("mtr"),
            deposit=str(min(max(wanted, least), left)),
            expires_at=ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            seed=base64url(secrets.token_bytes(32)),
        )

    def _open(self, kept: _Kept, channel: _Channel) -> None:
        """Opens the channel, or learns that it was opened."""
        self._write(kept)
        key = _key(channel).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        wanted = {
            "id": channel.id,
            "wallet": kept.wallet,
            "mandate": self._buyer.mandate,
            "payee": kept.payee,
            "amount": {"amount": channel.deposit, "asset": self._buyer.asset},
            "approval": channel.approval,
            "expires_at": channel.expires_at,
            "rounding": "half_up",
            "algorithm": "ed25519",
            "voucher_key": base64url(key),
        }
        try:
            status, answer = self._buyer.client.request("POST", "/v1/channels", wanted)
        except TollbridgeError as fault:
            if not isinstance(fault, Refused) or fault.is_unknown:
                raise OutcomeUnknown(reason_of(fault)) from fault
            if fault.code == "approval_pending" and channel.approval is not None:
                channel.stage = "asked"
                self._write(kept)
                raise OwnerAsked(fault.code, channel.approval) from fault
            # An earlier try of ours may have been taken all the same.
            if not self._is_open(channel):
                kept.channel = None
                self._write(kept)
                raise
            status, answer = 201, {}
        if status == 202:
            # The same may have been asked before, under another name.
            channel.stage, channel.approval = "asked", answer["id"]
            self._write(kept)
            raise OwnerAsked(answer["ask"], answer["id"])
        channel.stage = "open"

    def _is_open(self, channel: _Channel) -> bool:
        try:
            self._buyer.client.get(f"/v1/channels/{channel.id}")
        except TollbridgeError as fault:
            if isinstance(fault, Refused) and fault.problem["status"] == 404:
                return False
            raise OutcomeUnknown(reason_of(fault)) from fault
        return True

    def _read(self) -> _Kept | None:
        text = self._buyer.purchases.read(self._file)
        if text is None:
            return None
        try:
            found = json.loads(text)
            channel = found.pop("channel", None)
            kept = _Kept(**found, channel=None if channel is None else _Channel(**channel))
        except (ValueError, TypeError, AttributeError):
            kept = None
        if kept is None or (kept.session, kept.wallet) != (self._name, self._buyer.wallet):
            why = f"what is kept of session `{self._name}` is damaged or of another wallet"
            raise PurchaseFault("purchase_damaged", why)
        return kept

    def _write(self, kept: _Kept) -> None:
        found = asdict(kept)
        if kept.channel is None:
            del found["channel"]
        elif kept.channel.approval is None:
            del found["channel"]["approval"]
        self._buyer.purchases.replace(self._file, json.dumps(found, ensure_ascii=False))


def _key(channel: _Channel) -> Ed25519PrivateKey:
    secret = from_base64url(channel.seed)
    if secret is None or len(secret) != 32:
        raise PurchaseFault("purchase_damaged", "the key of the vouchers is damaged")
    return Ed25519PrivateKey.from_private_bytes(secret)


def _signed(channel: _Channel, is_first: bool) -> SignedVoucher:
    """Signs for what is owed."""
    said = read_bits(channel.id[4:]).to_bytes(16) + int(channel.owed).to_bytes(16)
    signature = base64url(_key(channel).sign(_DOMAIN + said))
    return SignedVoucher(channel.id, channel.owed, signature, is_first)


def _believe(channel: _Channel, standing: object) -> None:
    """A seller's word about this channel, as far as it was signed for."""
    if not isinstance(standing, Mapping) or standing.get("channelId") != channel.id:
        return
    said = _sum(standing.get("spent"))
    if int(channel.signed_max) < said:
        raise DemandRefused("the seller says that more is owed than was signed for")
    channel.owed = str(said)


def _sum(said: object) -> int:
    if not isinstance(said, str) or not re.fullmatch(r"0|[1-9][0-9]{0,38}", said):
        raise DemandRefused("a sum of it is none")
    return int(said)


def _origin(address: str) -> str | None:
    try:
        return parse_address(address).origin
    except Malformed:
        return None
