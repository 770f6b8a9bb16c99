/**
 * Payments for agents: buys behind HTTP 402 once, pays in batches, and checks receipts without asking
 * anybody.
 *
 * Reading order: `Wallet`, `Payment` and its states, `TollbridgeError` with `code` and `next`,
 * `verifyReceipt`, `Seller`.
 */

export {
  Wallet,
  type WalletOptions,
  type GetOptions,
  type FetchOptions,
  type PayOptions,
  type Limits,
} from "./wallet.js";
export type { BillOptions, ForeignBill, PaidBill } from "./bill.js";
export type { AskedVoucher, Session as PaidSession, SessionOptions, SignedVoucher } from "./session.js";
export { Payment, SellerAnswer, type PaymentState, type Purchase } from "./payment.js";
export { Seller } from "./seller.js";
export { Client, type Page, type RequestOptions } from "./client.js";
export { credentials, parseKeyFile, type Credentials } from "./keys.js";
export { inWords, readMoney, type AmountLike, type Money } from "./money.js";
export { ReceiptFalse, verifyReceipt, type Receipt, type Recorded } from "./receipt.js";
export { MemoryStore, type PurchaseStore } from "./store.js";
export { fingerprint, type RequestFacts } from "./demand.js";
export {
  sessionCode,
  sessionOf,
  signatureBase,
  signatureHeaders,
  type Session,
  type ToSign,
} from "./sign.js";
export type { Facts, Limit, Trade, Verification } from "./shapes.js";
export {
  DemandRefused,
  KeyFault,
  Malformed,
  NotDelivered,
  OutcomeUnknown,
  OwnerAsked,
  PurchaseFault,
  Refused,
  SellerSilent,
  TollbridgeError,
  TooDear,
  Unreachable,
  type Next,
  type Problem,
} from "./errors.js";
