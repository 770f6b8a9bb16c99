/**
 * The attempts of one purchase, as they are kept: each has one name for its payment, and nothing is paid
 * under another.
 */

import { base64url, sha256, utf8 } from "./bytes.js";
import { PurchaseFault } from "./errors.js";
import { ATTEMPTS_MAX, PURCHASE_KEY_BYTES_MAX } from "./limits.js";
import type { Money } from "./money.js";
import type { PurchaseStore } from "./store.js";

/**
 * Where an attempt stands, as far as this side knows.
 *
 * `begun`: whether it was paid is to be asked under the same name. `rejected`: the server did not take it and
 * recorded nothing, so the name is free for another bill. `paid`: the money is held or paid. `asked`,
 * `refused`, `returned`: nothing is spent under this name.
 */
export type Stage = "begun" | "rejected" | "paid" | "asked" | "refused" | "returned";

/** One attempt. Both packages write and read it so. */
export interface Attempt {
  purchase: string;
  /** What is bought: the fingerprint of the request, or who is paid how much. */
  request: string;
  wallet: string;
  mandate?: string;
  /** The payment's name. */
  id: string;
  amount: Money;
  /** When the bill was opened, in milliseconds since 1970. */
  billed_at: number;
  payment_needed?: string;
  quote?: string;
  /** The question whose approval it uses, and the one it raised. */
  approval?: string;
  question?: string;
  payment_proof?: string;
  entry?: number;
  stage: Stage;
}

/** The attempts of one purchase. */
export class Attempts {
  readonly #store: PurchaseStore;
  readonly #purchase: string;
  readonly #name: string;
  #number = 0;

  private constructor(store: PurchaseStore, purchase: string, name: string) {
    this.#store = store;
    this.#purchase = purchase;
    this.#name = name;
  }

  static async of(store: PurchaseStore, purchase: string): Promise<Attempts> {
    const bytes = utf8(purchase);
    if (bytes.length === 0 || PURCHASE_KEY_BYTES_MAX < bytes.length) {
      throw new PurchaseFault(
        "purchase_key_length",
        `a purchase key has 1 to ${PURCHASE_KEY_BYTES_MAX} bytes`,
      );
    }
    return new Attempts(store, purchase, base64url(await sha256(bytes)));
  }

  /** The newest attempt, if there is one. It has to be for this request. */
  async last(request: string): Promise<Attempt | undefined> {
    let found: Attempt | undefined;
    for (;;) {
      const text = await this.#store.read(this.#file(this.#number + 1));
      if (text === undefined) break;
      this.#number += 1;
      found = this.#parse(text);
    }
    if (found && found.request !== request) {
      throw new PurchaseFault(
        "purchase_key_reused",
        `purchase key \`${this.#purchase}\` was used for something else`,
      );
    }
    return found;
  }

  /** Begins the next attempt. Whoever began it first decides what it is: that is what comes back. */
  async begin(attempt: Attempt): Promise<Attempt> {
    if (ATTEMPTS_MAX <= this.#number) {
      throw new PurchaseFault(
        "tried_too_often",
        `purchase \`${this.#purchase}\` was tried ${ATTEMPTS_MAX} times`,
      );
    }
    const name = this.#file(this.#number + 1);
    if (await this.#store.add(name, JSON.stringify(attempt))) {
      this.#number += 1;
      return attempt;
    }
    return (await this.last(attempt.request)) as Attempt;
  }

  /**
   * Keeps what became of the newest attempt. What somebody else knows to be paid stays so, unless it went
   * back.
   */
  async keep(attempt: Attempt): Promise<void> {
    const name = this.#file(this.#number);
    const text = await this.#store.read(name);
    const known = text === undefined ? undefined : this.#parse(text);
    if (known?.stage === "paid" && attempt.stage !== "paid" && attempt.stage !== "returned") return;
    await this.#store.replace(name, JSON.stringify(attempt));
  }

  #file(number: number): string {
    return `${this.#name}.${number}`;
  }

  #parse(text: string): Attempt {
    let found: Partial<Attempt> | undefined;
    try {
      found = JSON.parse(text) as Partial<Attempt>;
    } catch {
      found = undefined;
    }
    const isOurs =
      found?.purchase === this.#purchase &&
      [found.request, found.id, found.stage, found.wallet].every(isText);
    if (!isOurs) {
      throw new PurchaseFault(
        "purchase_damaged",
        `what is kept of purchase \`${this.#purchase}\` is damaged; what was bought cannot be known without it`,
      );
    }
    return found as Attempt;
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}
