"""Errors: each has a stable `code`, and says in `next` what may be done. The words begin with what happened
to the money."""

from __future__ import annotations

from typing import Any, Literal

#: Nothing; send it again as it is; correct it and send it anew; or the owner has to do something.
Next = Literal["stop", "same_id", "new_id", "ask_owner"]

#: A problem as the server writes it (RFC 9457).
Problem = dict[str, Any]


class TollbridgeError(Exception):
    """What all errors of this package are."""

    def __init__(self, code: str, next: Next, words: str) -> None:
        super().__init__(words)
        #: Stable for ever; programs read this.
        self.code = code
        #: What may be done.
        self.next: Next = next


class Refused(TollbridgeError):
    """The server said no. Refusals of purchases are recorded, and have receipts."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem["code"], problem["next"], problem["detail"])
        self.problem = problem

    @property
    def is_unknown(self) -> bool:
        """Whether it may have been done all the same."""
        return bool(500 <= self.problem["status"])


class Unreachable(TollbridgeError):
    """The server was never reached: nothing has happened."""

    def __init__(self, why: str) -> None:
        super().__init__("unreachable", "same_id", f"Nothing was spent: the server was not reached ({why}).")
        self.why = why


class OutcomeUnknown(TollbridgeError):
    """The request went out, and no answer came that can be read: it may have been done. Ask again under the
    same id.
    """

    def __init__(self, why: str) -> None:
        words = f"It may have been done: no answer came ({why}). Asking again pays nothing twice."
        super().__init__("outcome_unknown", "same_id", words)
        self.why = why


def reason_of(fault: Exception) -> str:
    """Why there is no answer, in a few words that fit into a sentence."""
    why = getattr(fault, "why", None)
    return why if isinstance(why, str) else str(fault).removesuffix(".")


class OwnerAsked(TollbridgeError):
    """The owner is asked first. Raised by `settled()` only: `get` and `pay` answer it as a state."""

    def __init__(self, code: str, question: str) -> None:
        words = f"Nothing was spent: the owner is asked ({code}, {question}). Ask again after the answer."
        super().__init__(code, "ask_owner", words)
        self.question = question


class NotDelivered(TollbridgeError):
    """The seller did not deliver, and the money went back. Raised by `settled()` only: `get` answers it as a
    state.
    """

    def __init__(self, amount: str) -> None:
        words = f"Nothing was spent: {amount} went back, for the seller did not deliver."
        super().__init__("not_delivered", "same_id", words)


class TooDear(TollbridgeError):
    """It costs more than it may."""

    def __init__(self, price: str, max_price: str) -> None:
        words = f"Nothing was spent: it costs {price} and may cost at most {max_price}."
        super().__init__("too_dear", "new_id", words)
        self.price = price
        self.max_price = max_price


class DemandRefused(TollbridgeError):
    """The seller's demand or quote is not to be paid: false, late, or for something else."""

    def __init__(self, why: str, code: str = "demand_refused") -> None:
        super().__init__(code, "stop", f"Nothing was spent: the seller's demand is not to be paid ({why}).")


class SellerSilent(TollbridgeError):
    """The seller was not reached, or did not answer, before anything was paid."""

    def __init__(self, why: str) -> None:
        super().__init__("seller_silent", "same_id", f"Nothing was spent: the seller did not answer ({why}).")


class Malformed(TollbridgeError):
    """The request makes no sense: an address, an amount, a method."""

    def __init__(self, why: str, code: str = "malformed") -> None:
        super().__init__(code, "new_id", f"Nothing was spent: {why}.")


class PurchaseFault(TollbridgeError):
    """What was bought under this key cannot be known or kept."""

    def __init__(self, code: str, why: str) -> None:
        next: Next = "new_id" if code == "purchase_key_reused" else "stop"
        super().__init__(code, next, f"Nothing was spent: {why}.")


class KeyFault(TollbridgeError):
    """A key file that is not used."""

    def __init__(self, why: str) -> None:
        super().__init__("key_fault", "stop", f"Nothing was spent: {why}.")


class ReceiptFalse(TollbridgeError):
    """The receipt shows nothing, or the keys to check it with are none."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code, "stop", f"the receipt is false: {why}")
