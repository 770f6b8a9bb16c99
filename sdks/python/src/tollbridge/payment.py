"""What became of the money, and what the seller answered: apart, for neither is evidence of the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any, Literal, Self

from .errors import Next, NotDelivered, OutcomeUnknown, OwnerAsked, Problem, Refused
from .money import Money

#: What became of the money.
#:
#: - `free`: it cost nothing. `paid`: the seller has it. `held`: it is set aside for the seller.
#: - `denied`, `asked`: nothing was spent. `returned`: it went back, for the seller did not deliver.
#: - `unknown`: nobody can say yet. That is not a failure: asking again under the same purchase key goes on, and pays
#:   nothing twice.
PaymentState = Literal["free", "paid", "held", "denied", "asked", "returned", "unknown"]

# Code and next of states that the server says nothing about.
_CODES: dict[PaymentState, tuple[str, Next]] = {
    "asked": ("asked", "ask_owner"),
    "returned": ("not_delivered", "same_id"),
    "unknown": ("outcome_unknown", "same_id"),
}


@dataclass(frozen=True)
class Payment:
    """What became of the money, in a state for programs and in words for people."""

    state: PaymentState
    #: The payment's name; none where there is none.
    id: str | None = None
    #: What it costs.
    amount: Money | None = None
    #: The place in the journal: `wallet.receipt(payment)` has the proof. Denials and questions have one, too.
    entry: int | None = None
    #: Why it was denied or asked about, from the closed list.
    code: str | None = None
    #: The question that the owner answers.
    question: str | None = None
    #: The server's no.
    problem: Problem | None = None
    #: Why nobody can say.
    why: str = ""

    def __post_init__(self) -> None:
        if self.problem is not None:
            object.__setattr__(self, "code", self.code or self.problem["code"])
            object.__setattr__(
                self, "entry", self.entry if self.entry is not None else self.problem.get("entry")
            )
        elif self.state in _CODES:
            object.__setattr__(self, "code", self.code or _CODES[self.state][0])

    @property
    def next(self) -> Next | None:
        """What may be done."""
        if self.problem is not None:
            next: Next = self.problem["next"]
            return next
        return _CODES[self.state][1] if self.state in _CODES else None

    @property
    def is_good(self) -> bool:
        """Whether the seller has the money, or will have it, or none was needed."""
        return self.state in ("free", "paid", "held")

    @property
    def words(self) -> str:
        """What happened to the money, in plain words."""
        amount = self.amount.in_words() if self.amount else "it"
        match self.state:
            case "free":
                return "Nothing was spent: it costs nothing."
            case "paid":
                return f"Paid: the seller has {amount}."
            case "held":
                return f"Held: {amount} is set aside for the seller."
            case "denied":
                return str(self.problem["detail"]) if self.problem else "Nothing was spent."
            case "asked":
                return f"Nothing was spent: the owner is asked ({self.code}, {self.question})."
            case "returned":
                return f"Nothing was spent: {amount} went back, for the seller did not deliver."
            case "unknown":
                return f"Nobody can say yet whether {amount} was paid ({self.why}). Asking again pays nothing twice."

    def settled(self) -> Self:
        """This payment, if it is good; otherwise raises what stands against it: `Refused`, `OwnerAsked`,
        `NotDelivered` or `OutcomeUnknown`.
        """
        if self.is_good:
            return self
        if self.problem is not None:
            raise Refused(self.problem)
        if self.state == "asked":
            raise OwnerAsked(self.code or "asked", self.question or "")
        if self.state == "returned":
            raise NotDelivered(self.amount.in_words() if self.amount else "it")
        raise OutcomeUnknown(self.why)


@dataclass(frozen=True)
class SellerAnswer:
    """What a seller answered."""

    status: int
    headers: Message
    body: bytes

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Purchase:
    """What came of one purchase."""

    payment: Payment
    #: What the seller answered last, if anything.
    answer: SellerAnswer | None
