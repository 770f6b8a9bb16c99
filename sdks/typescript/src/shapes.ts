/**
 * The shapes of the server's answers, as far as this package reads them. Members that are not named here may
 * be there.
 */

import type { Next, Problem } from "./errors.js";
import type { Money } from "./money.js";

/** A payment that was made. */
export interface PaymentMade {
  id: string;
  status: string;
  amount: Money;
  entry: number;
  repeated: boolean;
}

/** The owner has to say. */
export interface Asked {
  id: string;
  ask: string;
  digest: string;
  next_action: { kind: Next; url?: string };
  entry: number;
  repeated: boolean;
}

/** What came of one payment of an array: one of the three. */
export interface PaymentResult {
  status: number;
  answer?: PaymentMade;
  asked?: Asked;
  problem?: Problem;
}

/** A demand that was paid. */
export interface A402Payment {
  trade_no: string;
  hold: string;
  payment_proof: string;
  expires_at: string;
  entry: number;
  repeated: boolean;
}

/** A trade: payment, delivery and fulfilment apart. */
export interface Trade {
  trade_no: string;
  transaction_state: string;
  payment_status: string;
  delivery_status: string;
  fulfillment_status: string;
  entry: number;
}

/** A proof that counts. */
export interface Verification {
  trade_no: string;
  out_trade_no: string;
  resource_id: string;
  buyer_unique_id: string;
  amount: string;
  currency: string;
  meter?: string;
  delivery_key: string;
  expires_at: string;
  transaction_state: string;
  entry: number;
  repeated: boolean;
}

/** One HTTP request as it arrived at a seller, as far as a payment is bound to it. */
export interface Facts {
  request_method: string;
  request_fingerprint: string;
  resource_id: string;
  out_trade_no: string;
  idempotency_key?: string;
}

/** Who is asking, as far as the server knows. */
export interface Me {
  kind: string;
  id?: string;
  livemode: boolean;
}

/** A rule about spending, as `docs` describe it: `kind` and what belongs to it. */
export type Limit = { kind: string } & Record<string, unknown>;

/** A wallet or sub-account. */
export interface WalletState {
  id: string;
  available: Money;
  held: Money;
  status: string;
  limits: Limit[];
  livemode: boolean;
}

/** An agent, or a mandate: what is allowed to whom. */
export interface Allowed {
  id: string;
  wallet: string;
  status: string;
  limits: Limit[];
}
