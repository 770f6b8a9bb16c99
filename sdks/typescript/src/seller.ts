/** A seller: asks whether a proof counts, says how a delivery ended, and reads what came in. */

import { Client, type Page } from "./client.js";
import { KeyFault } from "./errors.js";
import type { Credentials } from "./keys.js";
import { readMoney, type AmountLike } from "./money.js";
import type { Facts, Me, Trade, Verification } from "./shapes.js";

/** A payee of the server, with its key. */
export class Seller {
  readonly client: Client;
  /** The payee's id. */
  readonly id: string;
  readonly #asset: string;

  private constructor(client: Client, id: string, asset: string) {
    this.client = client;
    this.id = id;
    this.#asset = asset;
  }

  /** Opens a seller's account with a key file (`TOLLBRIDGE_KEY`) at a server (`TOLLBRIDGE_SERVER`). */
  static async open(keyFile?: string, server?: string, now?: () => number): Promise<Seller> {
    const { readKeyFile, environment } = await import("./files.js");
    const path = keyFile ?? environment("KEY");
    if (path === undefined) throw new KeyFault("no key: name a key file, or set TOLLBRIDGE_KEY");
    return Seller.of(
      await readKeyFile(path),
      server ?? environment("SERVER") ?? "http://127.0.0.1:8402",
      now,
    );
  }

  /** The same with credentials of any kind. */
  static async of(by: Credentials, server: string, now?: () => number): Promise<Seller> {
    const client = new Client(server, by, now);
    const me = await client.get<Me>("/v1/me");
    if (me.kind !== "payee" || me.id === undefined) throw new KeyFault("the key is not a seller's");
    const { asset } = await client.get<{ asset: string }>(`/v1/payees/${me.id}`);
    return new Seller(client, me.id, asset);
  }

  /** Asks whether a `Payment-Proof` counts for this request, and redeems it: once, for one delivery. */
  async verify(paymentProof: string, facts: Facts): Promise<Verification> {
    const body = { payment_proof: paymentProof, facts };
    const idempotencyKey = this.client.freshKey();
    return (await this.client.request<Verification>("POST", "/v1/a402/verify", body, { idempotencyKey }))
      .answer;
  }

  /**
   * Says how a delivery ended: the money moves, or goes back. `amount` is what it cost, where that is less
   * than what is held.
   */
  async confirm(tradeNo: string, outcome: "fulfilled" | "failed", amount?: AmountLike): Promise<Trade> {
    const cost = amount === undefined ? undefined : readMoney(amount, this.#asset);
    const body = { trade_no: tradeNo, outcome, amount: cost };
    const idempotencyKey = this.client.freshKey();
    return (await this.client.request<Trade>("POST", "/v1/a402/confirm", body, { idempotencyKey })).answer;
  }

  /** Where a trade stands. */
  trade(tradeNo: string): Promise<Trade> {
    return this.client.get(`/v1/a402/trades/${tradeNo}`);
  }

  /** One page of what came in. */
  payments(page: { limit?: number; cursor?: string } = {}): Promise<Page<Record<string, unknown>>> {
    return this.client.list("/v1/payments", page);
  }
}
