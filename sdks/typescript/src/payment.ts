/** What became of the money, and what the seller answered: apart, for neither is evidence of the other. */

import { NotDelivered, OutcomeUnknown, OwnerAsked, Refused, type Next, type Problem } from "./errors.js";
import { inWords, type Money } from "./money.js";

/**
 * What became of the money.
 *
 * - `free`: it cost nothing. `paid`: the seller has it. `held`: it is set aside for the seller.
 * - `denied`, `asked`: nothing was spent. `returned`: it went back, for the seller did not deliver.
 * - `unknown`: nobody can say yet. That is not a failure: asking again under the same purchase key goes on,
 *   and pays nothing twice.
 */
export type PaymentState = "free" | "paid" | "held" | "denied" | "asked" | "returned" | "unknown";

/** Code and next of states that the server says nothing about. */
const CODES: { readonly [state in PaymentState]?: readonly [string, Next] } = {
  asked: ["asked", "ask_owner"],
  returned: ["not_delivered", "same_id"],
  unknown: ["outcome_unknown", "same_id"],
};

/** What became of the money, in a state for programs and in words for people. */
export class Payment {
  readonly state: PaymentState;
  /** The payment's name; none where there is none. */
  readonly id: string | undefined;
  /** What it costs. */
  readonly amount: Money | undefined;
  /**
   * The place in the journal: `wallet.receipt(payment)` has the proof. Denials and questions have one, too.
   */
  readonly entry: number | undefined;
  /** Why it was denied or asked about, from the closed list. */
  readonly code: string | undefined;
  /** What may be done. */
  readonly next: Next | undefined;
  /** The question that the owner answers. */
  readonly question: string | undefined;
  /** The server's no. */
  readonly problem: Problem | undefined;
  readonly #why: string;

  constructor(
    state: PaymentState,
    said: Partial<Pick<Payment, "id" | "amount" | "entry" | "code" | "question" | "problem">> = {},
    why = "",
  ) {
    this.state = state;
    this.id = said.id;
    this.amount = said.amount;
    this.problem = said.problem;
    this.entry = said.entry ?? said.problem?.entry;
    this.question = said.question;
    this.code = said.code ?? said.problem?.code ?? CODES[state]?.[0];
    this.next = said.problem?.next ?? CODES[state]?.[1];
    this.#why = why;
  }

  /** Whether the seller has the money, or will have it, or none was needed. */
  get isGood(): boolean {
    return this.state === "free" || this.state === "paid" || this.state === "held";
  }

  /** What happened to the money, in plain words. */
  get words(): string {
    const sum = this.amount ? inWords(this.amount) : "it";
    switch (this.state) {
      case "free":
        return "Nothing was spent: it costs nothing.";
      case "paid":
        return `Paid: the seller has ${sum}.`;
      case "held":
        return `Held: ${sum} is set aside for the seller.`;
      case "denied":
        return this.problem?.detail ?? "Nothing was spent.";
      case "asked":
        return `Nothing was spent: the owner is asked (${this.code}, ${this.question}).`;
      case "returned":
        return `Nothing was spent: ${sum} went back, for the seller did not deliver.`;
      case "unknown":
        return `Nobody can say yet whether ${sum} was paid (${this.#why}). Asking again pays nothing twice.`;
    }
  }

  /**
   * This payment, if it is good; otherwise throws what stands against it: `Refused`, `OwnerAsked`,
   * `NotDelivered` or `OutcomeUnknown`.
   */
  settled(): this {
    if (this.isGood) return this;
    if (this.problem) throw new Refused(this.problem);
    if (this.state === "asked") throw new OwnerAsked(this.code ?? "asked", this.question ?? "");
    if (this.state === "returned") throw new NotDelivered(this.amount ? inWords(this.amount) : "it");
    throw new OutcomeUnknown(this.#why);
  }
}

/** What a seller answered. */
export class SellerAnswer {
  constructor(
    readonly status: number,
    readonly headers: Headers,
    readonly body: Uint8Array<ArrayBuffer>,
  ) {}

  /** The body as text. */
  text(): string {
    return new TextDecoder().decode(this.body);
  }

  /** The body as JSON. */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/** What came of one purchase. */
export interface Purchase {
  readonly payment: Payment;
  /** What the seller answered last, if anything. */
  readonly answer: SellerAnswer | undefined;
}
