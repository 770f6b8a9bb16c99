/**
 * Errors: each has a stable `code`, and says in `next` what may be done. The words begin with what happened
 * to the money.
 */

/**
 * What to do about it: nothing; send it again as it is; correct it and send it anew; or the owner has to do
 * something.
 */
export type Next = "stop" | "same_id" | "new_id" | "ask_owner";

/** A problem as the server writes it (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  param?: string;
  request_id?: string;
  retryable: boolean;
  next: Next;
  next_action: { kind: Next; url?: string };
  rule?: { scope: string; id?: string; version: number; limit: number };
  remaining?: { amount: string; asset: string };
  entry?: number;
  repeated?: boolean;
  livemode: boolean;
}

/** What all errors of this package are. */
export class TollbridgeError extends Error {
  /** Stable for ever; programs read this. */
  readonly code: string;
  /** What may be done. */
  readonly next: Next;

  constructor(code: string, next: Next, words: string) {
    super(words);
    this.name = new.target.name;
    this.code = code;
    this.next = next;
  }
}

/** The server said no. Refusals of purchases are recorded, and have receipts. */
export class Refused extends TollbridgeError {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.code, problem.next, problem.detail);
    this.problem = problem;
  }

  /** Whether it may have been done all the same. */
  get isUnknown(): boolean {
    return this.problem.status >= 500;
  }
}

/** The server was never reached: nothing has happened. */
export class Unreachable extends TollbridgeError {
  readonly why: string;

  constructor(why: string) {
    super("unreachable", "same_id", `Nothing was spent: the server was not reached (${why}).`);
    this.why = why;
  }
}

/**
 * The request went out, and no answer came that can be read: it may have been done. Ask again under the same
 * id.
 */
export class OutcomeUnknown extends TollbridgeError {
  readonly why: string;

  constructor(why: string) {
    const words = `It may have been done: no answer came (${why}). Asking again pays nothing twice.`;
    super("outcome_unknown", "same_id", words);
    this.why = why;
  }
}

/** Why there is no answer, in a few words that fit into a sentence. */
export function reasonOf(fault: unknown): string {
  if (fault instanceof Unreachable || fault instanceof OutcomeUnknown) return fault.why;
  return fault instanceof Error ? fault.message.replace(/\.$/, "") : String(fault);
}

/** The owner is asked first. Thrown by `settled()` only: `get` and `pay` answer it as a state. */
export class OwnerAsked extends TollbridgeError {
  readonly question: string;

  constructor(code: string, question: string) {
    super(
      code,
      "ask_owner",
      `Nothing was spent: the owner is asked (${code}, ${question}). Ask again after the answer.`,
    );
    this.question = question;
  }
}

/**
 * The seller did not deliver, and the money went back. Thrown by `settled()` only: `get` answers it as a
 * state.
 */
export class NotDelivered extends TollbridgeError {
  constructor(sum: string) {
    super("not_delivered", "same_id", `Nothing was spent: ${sum} went back, for the seller did not deliver.`);
  }
}

/** It costs more than it may. */
export class TooDear extends TollbridgeError {
  readonly price: string;
  readonly maxPrice: string;

  constructor(price: string, maxPrice: string) {
    super("too_dear", "new_id", `Nothing was spent: it costs ${price} and may cost at most ${maxPrice}.`);
    this.price = price;
    this.maxPrice = maxPrice;
  }
}

/** The seller's demand or quote is not to be paid: false, late, or for something else. */
export class DemandRefused extends TollbridgeError {
  constructor(why: string, code = "demand_refused", spent = "Nothing was spent") {
    super(code, "stop", `${spent}: the seller's demand is not to be paid (${why}).`);
  }
}

/** The seller was not reached, or did not answer, before anything was paid. */
export class SellerSilent extends TollbridgeError {
  constructor(why: string) {
    super("seller_silent", "same_id", `Nothing was spent: the seller did not answer (${why}).`);
  }
}

/** The request makes no sense: an address, an amount, a method. */
export class Malformed extends TollbridgeError {
  constructor(why: string, code = "malformed") {
    super(code, "new_id", `Nothing was spent: ${why}.`);
  }
}

/** What was bought under this key cannot be known or kept. */
export class PurchaseFault extends TollbridgeError {
  constructor(
    code: "purchase_key_reused" | "purchase_key_length" | "purchase_damaged" | "tried_too_often",
    why: string,
  ) {
    super(code, code === "purchase_key_reused" ? "new_id" : "stop", `Nothing was spent: ${why}.`);
  }
}

/** A key file that is not used. */
export class KeyFault extends TollbridgeError {
  constructor(why: string) {
    super("key_fault", "stop", `Nothing was spent: ${why}.`);
  }
}
