/**
 * Payments that wait together travel together: while one request is under way, the next array fills.
 *
 * A payment that comes alone leaves with the next turn of the event loop; what is asked meanwhile leaves with
 * it.
 */

import type { Client } from "./client.js";
import { OutcomeUnknown } from "./errors.js";
import { PAYMENTS_MAX } from "./limits.js";
import type { PaymentResult } from "./shapes.js";

interface Waiting {
  readonly payment: object;
  resolve(result: PaymentResult): void;
  reject(fault: unknown): void;
}

/** Sends payments in arrays, one request at a time. */
export class Batches {
  readonly #client: Client;
  #waiting: Waiting[] = [];
  #sending = false;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Sends one payment with those that are asked at the same time; each is answered for itself. */
  pay(payment: object): Promise<PaymentResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ payment, resolve, reject });
      if (this.#sending) return;
      this.#sending = true;
      setTimeout(() => void this.#sendAll(), 0);
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length !== 0) {
      const batch = this.#waiting.splice(0, PAYMENTS_MAX);
      try {
        const payments = batch.map((one) => one.payment);
        const { answer } = await this.#client.request<PaymentResult[]>("POST", "/v1/payments", payments);
        if (!Array.isArray(answer) || answer.length !== batch.length) {
          throw new OutcomeUnknown("it is not one result for each payment");
        }
        for (const [place, one] of batch.entries()) one.resolve(answer[place] as PaymentResult);
      } catch (fault) {
        for (const one of batch) one.reject(fault);
      }
    }
    this.#sending = false;
  }
}
