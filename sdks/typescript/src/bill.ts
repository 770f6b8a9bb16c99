/**
 * Paying what is asked for in another dialect: each bill once, and within a price.
 *
 * The bill and the name of its payment are kept before it is paid. The same bill is the same payment, however
 * often its client asks, and also after a crash.
 */

import { Attempts, type Attempt } from "./attempts.js";
import type { Buyer } from "./buy.js";
import {
  DemandRefused,
  OutcomeUnknown,
  OwnerAsked,
  reasonOf,
  Refused,
  TollbridgeError,
  TooDear,
} from "./errors.js";
import { inWords, minorOf, type AmountLike, type Money } from "./money.js";
import type { Asked } from "./shapes.js";

/** What is asked for, as far as this package compares it; the payment service reads the same text more strictly. */
export interface ForeignBill {
  /** Where the server pays in this dialect. */
  readonly path: "/v1/x402/pay" | "/v1/mpp/pay";
  /** Names the bill: what has the same name is paid once. */
  readonly name: string;
  readonly network: unknown;
  readonly payee: unknown;
  /** In smallest units. */
  readonly amount: unknown;
  /** The code of the asset, and its decimals. */
  readonly currency: unknown;
  readonly decimals: unknown;
  /** The payment service that it names, if any. */
  readonly authority: unknown;
  /** What the server is told of it. */
  readonly asked: Readonly<Record<string, string>>;
}

/** What a bill may cost. */
export interface BillOptions {
  /** The most that one may cost, such as `"0.05 CNY"`. */
  readonly maxPrice: AmountLike;
  /** Why it is bought, for the owner to read. */
  readonly why?: string;
}

/** A bill that was paid: the money is held for the seller. */
export interface PaidBill {
  /** The payment's name. */
  readonly id: string;
  readonly amount: Money;
  readonly entry: number | undefined;
  /** What shows the seller that it was paid. */
  readonly credential: string;
}

/** What the server answers in both dialects. */
interface Held {
  hold: string;
  payload: { credential: string };
  entry: number;
}

/**
 * Pays a bill once, or learns that it was paid.
 *
 * Throws `TooDear`, `DemandRefused`, `Refused` or `OwnerAsked`, where nothing was spent, and `OutcomeUnknown`
 * where nobody can say: asking again for the same bill pays nothing twice.
 */
export async function payBill(
  buyer: Buyer,
  bill: ForeignBill,
  maxPrice: Money,
  why: string | undefined,
): Promise<PaidBill> {
  const { payee, amount } = read(bill);
  const attempts = await Attempts.of(buyer.purchases, bill.name);
  const request = `bill ${payee} ${amount.amount} ${amount.asset}`;
  const last = await attempts.last(request);
  if (last?.stage === "paid") return shown(last);
  try {
    check(buyer, bill, payee, amount, maxPrice);
  } catch (fault) {
    // It may be paid, so "nothing was spent" would be too much said.
    if (last?.stage === "begun") throw new OutcomeUnknown("what may be paid was changed since");
    throw fault;
  }
  const attempt =
    last?.stage === "begun"
      ? last
      : await attempts.begin({
          purchase: bill.name,
          request,
          wallet: buyer.wallet,
          id: buyer.client.freshId("hld"),
          amount,
          billed_at: buyer.client.now(),
          // A yes is for the very text that was asked about.
          payment_needed: last?.payment_needed ?? JSON.stringify(bill.asked),
          stage: "begun",
          ...(buyer.mandate === undefined ? {} : { mandate: buyer.mandate }),
          ...(last?.stage === "asked" && last.question !== undefined ? { approval: last.question } : {}),
        });
  if (attempt.stage === "paid") return shown(attempt);
  return send(buyer, bill, attempts, attempt, why, last?.stage === "begun");
}

async function send(
  buyer: Buyer,
  bill: ForeignBill,
  attempts: Attempts,
  attempt: Attempt,
  why: string | undefined,
  isAgain: boolean,
): Promise<PaidBill> {
  const { id, wallet, mandate, approval } = attempt;
  const asked = JSON.parse(attempt.payment_needed ?? "{}") as Record<string, string>;
  let reply: { status: number; answer: Held | Asked };
  try {
    reply = await buyer.client.request("POST", bill.path, { id, wallet, mandate, approval, why, ...asked });
  } catch (fault) {
    const problem = fault instanceof Refused ? fault.problem : undefined;
    // An earlier try may have been taken all the same, so "nothing was spent" would be too much said.
    const isLost = isAgain && problem?.entry === undefined && fault instanceof TollbridgeError;
    if (isLost || (fault instanceof Refused && fault.isUnknown)) throw new OutcomeUnknown(reasonOf(fault));
    if (!(fault instanceof Refused)) throw fault;
    if (fault.code === "approval_pending" && approval !== undefined) {
      await attempts.keep({ ...attempt, ...asking(approval) });
      throw new OwnerAsked(fault.code, approval);
    }
    await attempts.keep({ ...attempt, stage: problem?.entry === undefined ? "rejected" : "refused" });
    throw fault;
  }
  if (reply.status === 202) {
    const { id: question, ask, entry } = reply.answer as Asked;
    await attempts.keep({ ...attempt, ...asking(question), entry });
    throw new OwnerAsked(ask, question);
  }
  const { payload, entry } = reply.answer as Held;
  const paid: Attempt = { ...attempt, stage: "paid", payment_proof: payload.credential, entry };
  await attempts.keep(paid);
  return shown(paid);
}

function asking(question: string): { stage: "asked"; question: string } {
  return { stage: "asked", question };
}

function shown({ id, amount, entry, payment_proof: credential = "" }: Attempt): PaidBill {
  return { id, amount, entry, credential };
}

/** Who is to be paid how much. */
function read({ payee, amount, currency, decimals }: ForeignBill): { payee: string; amount: Money } {
  if (typeof amount !== "string") throw new DemandRefused("its amount is no text");
  const asset = `${String(currency).toUpperCase()}/${String(decimals)}`;
  return { payee: String(payee), amount: { amount: minorOf(amount).toString(), asset } };
}

/** Compares a bill with what this wallet pays. Nothing was asked for yet. */
function check(buyer: Buyer, bill: ForeignBill, payee: string, amount: Money, maxPrice: Money): void {
  if (bill.network !== buyer.network) {
    throw new DemandRefused(`it cannot be paid on \`${buyer.network}\``, "method_unsupported");
  }
  if (amount.asset !== buyer.asset) {
    throw new DemandRefused(
      `it is in \`${amount.asset.slice(0, 24)}\`, and the wallet in \`${buyer.asset}\``,
      "asset_mismatch",
    );
  }
  if (bill.authority !== undefined && originOf(bill.authority) !== buyer.client.base.origin) {
    throw new DemandRefused("it names another payment service than ours", "psp_differs");
  }
  if (buyer.payees.length !== 0 && !buyer.payees.includes(payee)) {
    throw new DemandRefused(`seller \`${payee.slice(0, 48)}\` is not one to buy from`, "payee_not_chosen");
  }
  if (BigInt(maxPrice.amount) < BigInt(amount.amount)) throw new TooDear(inWords(amount), inWords(maxPrice));
}

function originOf(address: unknown): string | undefined {
  try {
    return new URL(String(address)).origin;
  } catch {
    return undefined;
  }
}
