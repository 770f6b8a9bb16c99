/**
 * Buying one HTTP request behind 402: ask, open the bill, pay it once, ask again with the proof.
 *
 * What was chosen is kept before it is paid, and the hold's name goes with the purchase. So whatever dies in
 * between, doing it again under the same purchase key repeats the same payment: sending the same bill under
 * the same name is how a lost answer is asked for.
 */

import { base64url, sha256, utf8, type Bytes } from "./bytes.js";
import { Attempts, type Attempt, type Stage } from "./attempts.js";
import { lost, readBody, sleep, type Client } from "./client.js";
import {
  checkQuote,
  decodeHeader,
  fingerprint,
  openBill,
  type Bill,
  type Expected,
  type RequestFacts,
} from "./demand.js";
import {
  DemandRefused,
  OutcomeUnknown,
  reasonOf,
  Refused,
  SellerSilent,
  TollbridgeError,
  TooDear,
  Unreachable,
  type Problem,
} from "./errors.js";
import { BACKOFF_MIN_MS, DELIVERY_TRIES_MAX, SELLER_BODY_BYTES_MAX, SELLER_TIMEOUT_MS } from "./limits.js";
import { inWords, type Money } from "./money.js";
import { Payment, SellerAnswer, type PaymentState, type Purchase } from "./payment.js";
import type { A402Payment, Asked, Trade } from "./shapes.js";
import type { PurchaseStore } from "./store.js";

/** From what a wallet buys. */
export interface Buyer {
  readonly client: Client;
  readonly me: string;
  readonly wallet: string;
  readonly asset: string;
  readonly network: "toll:main" | "toll:test";
  readonly mandate?: string;
  readonly payees: readonly string[];
  readonly purchases: PurchaseStore;
}

/** One request, and what it may cost. */
export interface Fetch {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Bytes;
  readonly maxPrice: Money;
  readonly purchase: string;
  readonly why?: string;
}

/** One purchase under way. */
interface Errand {
  readonly buyer: Buyer;
  readonly wanted: Fetch;
  readonly facts: RequestFacts;
  readonly attempts: Attempts;
}

/** Sends the request, and pays for it where it costs something: once for each purchase key. */
export async function buy(buyer: Buyer, wanted: Fetch): Promise<Purchase> {
  wanted.headers.delete("payment-proof");
  const facts = await fingerprint(
    wanted.method,
    wanted.url,
    wanted.headers.get("content-type") ?? "",
    wanted.body,
  );
  const needsKey = !["GET", "HEAD", "OPTIONS", "TRACE"].includes(facts.method);
  if (needsKey && !wanted.headers.has("idempotency-key")) {
    wanted.headers.set("idempotency-key", base64url(await sha256(utf8(wanted.purchase))));
  }
  const attempts = await Attempts.of(buyer.purchases, wanted.purchase);
  const errand = { buyer, wanted, facts, attempts };
  const last = await attempts.last(facts.fingerprint);
  switch (last?.stage) {
    case "paid":
      return deliver(errand, last);
    case "begun":
      return resume(errand, last);
    case "rejected":
      return begin(errand, last);
    case "asked":
      return afterAsking(errand, last);
    case "refused":
    case "returned":
    case undefined:
      return begin(errand);
  }
}

/**
 * Asks the seller without a proof, and pays the bill it answers with; under the name of `free`, where that is
 * free.
 */
async function begin(errand: Errand, free?: Attempt, approval?: string): Promise<Purchase> {
  let answer: SellerAnswer;
  try {
    answer = await ask(errand);
  } catch (fault) {
    throw new SellerSilent(reasonOf(fault));
  }
  if (answer.status !== 402) return { payment: new Payment("free"), answer };
  const needed = answer.headers.get("payment-needed");
  if (needed === null) throw new DemandRefused("it is not one of A402");
  const quote = answer.headers.get("tollbridge-quote");
  const bill = await open(errand, needed, quote, errand.buyer.client.now());
  const attempt = await keepNew(errand, bill, needed, quote, free, approval);
  return pay(errand, attempt, answer);
}

/** Pays what was asked about: the yes may be for this very bill. Where that is over, a new one. */
async function afterAsking(errand: Errand, asked: Attempt): Promise<Purchase> {
  const { payment_needed: needed = "", quote = null } = asked;
  let bill: Bill;
  try {
    bill = await open(errand, needed, quote, errand.buyer.client.now());
  } catch (fault) {
    if (fault instanceof TooDear) throw fault;
    return begin(errand, undefined, asked.question);
  }
  return pay(errand, await keepNew(errand, bill, needed, quote, undefined, asked.question));
}

/** Goes on with a bill that an earlier call chose, and may have paid. */
async function resume(errand: Errand, attempt: Attempt): Promise<Purchase> {
  try {
    await open(errand, attempt.payment_needed ?? "", attempt.quote ?? null, attempt.billed_at);
  } catch (fault) {
    // It may be paid, so "nothing was spent" would be too much said.
    const { id, amount } = attempt;
    return { payment: new Payment("unknown", { id, amount }, reasonOf(fault)), answer: undefined };
  }
  return pay(errand, attempt);
}

/** Opens a bill as of `atMs`, and checks it against what this purchase may be. */
async function open(errand: Errand, needed: string, quote: string | null, atMs: number): Promise<Bill> {
  const { buyer, wanted, facts } = errand;
  const key = wanted.headers.get("idempotency-key");
  const expected: Expected = {
    facts,
    buyer: buyer.me,
    network: buyer.network,
    asset: buyer.asset,
    server: buyer.client.base,
    payees: buyer.payees,
    nowMs: atMs,
    ...(key === null ? {} : { idempotencyKey: key }),
  };
  const bill = openBill(needed, expected);
  if (BigInt(wanted.maxPrice.amount) < BigInt(bill.price.amount)) {
    throw new TooDear(inWords(bill.price), inWords(wanted.maxPrice));
  }
  await checkQuote(bill, quote, atMs);
  return bill;
}

/** Keeps a new attempt. From here on its name is the only one that can be paid. */
async function keepNew(
  errand: Errand,
  bill: Bill,
  needed: string,
  quote: string | null,
  free: Attempt | undefined,
  approval: string | undefined,
): Promise<Attempt> {
  const { buyer, wanted, facts, attempts } = errand;
  const attempt: Attempt = {
    purchase: wanted.purchase,
    request: facts.fingerprint,
    wallet: buyer.wallet,
    id: free?.id ?? buyer.client.freshId("hld"),
    amount: bill.price,
    billed_at: buyer.client.now(),
    payment_needed: needed,
    stage: "begun",
    ...(buyer.mandate === undefined ? {} : { mandate: buyer.mandate }),
    ...(quote === null ? {} : { quote }),
    ...(approval === undefined ? {} : { approval }),
  };
  if (!free) return attempts.begin(attempt);
  await attempts.keep(attempt);
  return attempt;
}

/** Pays the kept bill under the kept name, or learns that it was paid. */
async function pay(errand: Errand, attempt: Attempt, first?: SellerAnswer): Promise<Purchase> {
  const { id, amount } = attempt;
  const { client } = errand.buyer;
  const ended = (payment: Payment): Purchase => ({ payment, answer: first });
  const body = {
    id,
    wallet: attempt.wallet,
    mandate: attempt.mandate,
    payment_needed: attempt.payment_needed,
    approval: attempt.approval,
    why: errand.wanted.why,
  };
  let reply: { status: number; answer: A402Payment | Asked };
  try {
    reply = await client.request("POST", "/v1/a402/pay", body);
  } catch (fault) {
    if (fault instanceof Refused && !fault.isUnknown) {
      const [stage, payment] = await afterNo(errand, attempt, fault.problem);
      if (stage !== undefined) await errand.attempts.keep({ ...attempt, ...stage });
      return ended(payment);
    }
    if (fault instanceof Unreachable && first) throw fault;
    if (!(fault instanceof TollbridgeError)) throw fault;
    return ended(new Payment("unknown", { id, amount }, reasonOf(fault)));
  }
  if (reply.status === 202) {
    const asked = reply.answer as Asked;
    await errand.attempts.keep({ ...attempt, stage: "asked", question: asked.id });
    return ended(
      new Payment("asked", { id, amount, entry: asked.entry, code: asked.ask, question: asked.id }),
    );
  }
  const paid = reply.answer as A402Payment;
  if (!isAbout(paid.payment_proof, attempt)) {
    return ended(new Payment("unknown", { id, amount }, "the proof that came is about something else"));
  }
  const proven: Attempt = { ...attempt, stage: "paid", payment_proof: paid.payment_proof, entry: paid.entry };
  await errand.attempts.keep(proven);
  return deliver(errand, proven);
}

/** Whether a proof is about the bill that was kept. */
function isAbout(proof: string, attempt: Attempt): boolean {
  const shown = decodeHeader(proof)?.protocol;
  const bill = decodeHeader(attempt.payment_needed ?? "")?.protocol;
  const shared = [
    "method_id",
    "method_version",
    "out_trade_no",
    "resource_id",
    "request_method",
    "request_fingerprint",
  ];
  return (
    shown?.["trade_no"] === attempt.id &&
    shared.every((name) => shown[name] !== undefined && shown[name] === bill?.[name])
  );
}

/**
 * What a no means for the name: a recorded no is for ever; a request that was not looked at leaves it free.
 */
async function afterNo(
  errand: Errand,
  attempt: Attempt,
  problem: Problem,
): Promise<[Pick<Attempt, "stage" | "question"> | undefined, Payment]> {
  const { id, amount, approval: question } = attempt;
  if (problem.code === "approval_pending" && question !== undefined) {
    const { code, entry } = problem;
    const about = { id, amount, code, question, ...(entry === undefined ? {} : { entry }) };
    return [{ stage: "asked", question }, new Payment("asked", about)];
  }
  const denied = new Payment("denied", { id, amount, problem });
  if (problem.entry !== undefined) return [{ stage: "refused" }, denied];
  // An earlier try of ours may have been taken all the same.
  const state = await standing(errand.buyer.client, attempt);
  if (state.problem?.status === 404) {
    // Too old a name is free for nothing any more.
    return [{ stage: problem.code === "id_stale" ? "refused" : "rejected" }, denied];
  }
  const stage: Stage | undefined = state.state === "returned" ? "returned" : undefined;
  return [stage && { stage }, state];
}

/**
 * Asks the seller with the proof, again where the answer gets lost, and finds out what became of the money.
 */
async function deliver(errand: Errand, attempt: Attempt): Promise<Purchase> {
  let answer: SellerAnswer | undefined;
  let why = "";
  for (let tries = 1; tries <= DELIVERY_TRIES_MAX; tries += 1) {
    if (1 < tries) await sleep(BACKOFF_MIN_MS * 2 ** (tries - 1));
    try {
      answer = await ask(errand, attempt.payment_proof);
    } catch (fault) {
      [answer, why] = [undefined, reasonOf(fault)];
    }
    if (answer && answer.status !== 503) break;
  }
  const said = answer && decodeHeader(answer.headers.get("payment-validation") ?? "")?.protocol;
  const isDelivered = said?.["delivery_status"] === "DELIVERED" && said["trade_no"] === attempt.id;
  let payment: Payment;
  if (isDelivered) {
    payment = about(attempt, said["fulfillment_status"] === "CONFIRMED" ? "paid" : "held");
  } else {
    const found = await standing(errand.buyer.client, attempt);
    payment =
      found.state === "denied" ? about(attempt, "unknown", "the server does not know the trade") : found;
    if (payment.state === "unknown" && !answer) payment = about(attempt, "unknown", why);
  }
  // What was delivered on terms and came to nothing is over: buying it anew is another purchase.
  if (payment.state === "returned" && !answer?.headers.has("tollbridge-evaluation")) {
    await errand.attempts.keep({ ...attempt, stage: "returned" });
  }
  return { payment, answer };
}

function about(attempt: Attempt, state: PaymentState, why = ""): Payment {
  const { id, amount, entry } = attempt;
  return new Payment(state, { id, amount, ...(entry === undefined ? {} : { entry }) }, why);
}

/** What became of the money, by the server. */
async function standing(client: Client, attempt: Attempt): Promise<Payment> {
  try {
    const trade = await client.get<Trade>(`/v1/a402/trades/${attempt.id}`);
    const state = trade.payment_status;
    if (state === "held" || state === "paid" || state === "returned") return about(attempt, state);
    return about(attempt, "unknown", `the server says \`${state}\``);
  } catch (fault) {
    if (fault instanceof Refused && fault.problem.status === 404) {
      return new Payment("denied", { id: attempt.id, amount: attempt.amount, problem: fault.problem });
    }
    return about(attempt, "unknown", reasonOf(fault));
  }
}

/** Sends the request to the seller. */
async function ask(errand: Errand, proof?: string): Promise<SellerAnswer> {
  const { wanted, facts } = errand;
  const headers = new Headers(wanted.headers);
  if (proof !== undefined) headers.set("payment-proof", proof);
  try {
    const response = await fetch(facts.url, {
      method: facts.method,
      headers,
      // Another address is another request: it is not what was paid for.
      redirect: "manual",
      signal: AbortSignal.timeout(SELLER_TIMEOUT_MS),
      ...(wanted.body.length === 0 ? {} : { body: wanted.body }),
    });
    return new SellerAnswer(
      response.status,
      response.headers,
      await readBody(response, SELLER_BODY_BYTES_MAX),
    );
  } catch (fault) {
    const why = lost(fault);
    throw why instanceof OutcomeUnknown || why instanceof Unreachable ? new Error(reason(fault)) : why;
  }
}

function reason(fault: unknown): string {
  const cause = (fault as { cause?: { message?: string; code?: string } }).cause;
  return cause?.message || cause?.code || reasonOf(fault);
}
