"""Payments for agents: buys behind HTTP 402 once, pays in batches, and checks receipts without asking
anybody.

Reading order: `Wallet`, `Payment` and its states, `TollbridgeError` with `code` and `next`, `verify_receipt`, `Seller`.
"""

from .client import Client, Page
from .demand import RequestFacts, fingerprint
from .errors import (
    DemandRefused,
    KeyFault,
    Malformed,
    Next,
    NotDelivered,
    OutcomeUnknown,
    OwnerAsked,
    Problem,
    PurchaseFault,
    ReceiptFalse,
    Refused,
    SellerSilent,
    TollbridgeError,
    TooDear,
    Unreachable,
)
from .keys import Credentials, credentials, parse_key_file, read_key_file
from .money import AmountLike, Money, read_money
from .payment import Payment, PaymentState, Purchase, SellerAnswer
from .receipt import Receipt, Recorded, verify_receipt
from .seller import Facts, Seller
from .store import FileStore, MemoryStore, PurchaseStore
from .wallet import Allowed, Limits, Wallet

__all__ = [
    "Allowed",
    "AmountLike",
    "Client",
    "Credentials",
    "DemandRefused",
    "Facts",
    "FileStore",
    "KeyFault",
    "Limits",
    "Malformed",
    "MemoryStore",
    "Money",
    "Next",
    "NotDelivered",
    "OutcomeUnknown",
    "OwnerAsked",
    "Page",
    "Payment",
    "PaymentState",
    "Problem",
    "Purchase",
    "PurchaseFault",
    "PurchaseStore",
    "Receipt",
    "ReceiptFalse",
    "Recorded",
    "Refused",
    "RequestFacts",
    "Seller",
    "SellerAnswer",
    "SellerSilent",
    "TollbridgeError",
    "TooDear",
    "Unreachable",
    "Wallet",
    "credentials",
    "fingerprint",
    "parse_key_file",
    "read_key_file",
    "read_money",
    "verify_receipt",
]
