/** A wallet in the hands of its agent: buys behind 402, pays, and says what may be spent. */

import { Batches } from "./batch.js";
import { Client } from "./client.js";
import { Attempts, type Attempt, type Stage } from "./attempts.js";
import { payBill, type BillOptions, type ForeignBill, type PaidBill } from "./bill.js";
import { buy, type Buyer, type Fetch } from "./buy.js";
import { KeyFault, Malformed, reasonOf, Refused, type Problem } from "./errors.js";
import type { Credentials } from "./keys.js";
import { readMoney, type AmountLike, type Money } from "./money.js";
import { Payment, type Purchase } from "./payment.js";
import { verifyReceipt, type Receipt, type Recorded } from "./receipt.js";
import { Session } from "./session.js";
import type { Allowed, Limit, Me, PaymentResult, WalletState } from "./shapes.js";
import type { PurchaseStore } from "./store.js";

/** What a wallet is opened with. What is not said comes from the environment, as for the command line. */
export interface WalletOptions {
  /** The wallet's id (`TOLLBRIDGE_WALLET`); by default the one of the agent whose key it is. */
  readonly wallet?: string;
  /** The mandate to pay under; by default the newest that is active. */
  readonly mandate?: string;
  /** Where purchases are kept: a store, or a directory (`TOLLBRIDGE_PURCHASES`). */
  readonly purchases?: PurchaseStore | string;
  /** Only these sellers; by default every one the server knows. */
  readonly payees?: readonly string[];
  /** The log's keys, as `GET /log/vkey` said when you first met the server: receipts are then checked. */
  readonly vkey?: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** One purchase behind 402, and what it may cost. */
export interface GetOptions {
  /** The most it may cost, such as `"0.05 CNY"`. */
  readonly maxPrice: AmountLike;
  /** Names the purchase: the same key buys once, whatever happens and however often it is asked. */
  readonly purchase: string;
  readonly headers?: Record<string, string>;
  /** Why it is bought, for the owner to read. */
  readonly why?: string;
}

/** The same for any request. */
export interface FetchOptions extends GetOptions {
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** What belongs to a payment that is made at once. */
export interface PayOptions {
  /** Names the payment in your own books: the same key pays once. Without one, each call pays. */
  readonly purchase?: string;
  /** What is bought, where the seller says so. */
  readonly category?: string;
  readonly why?: string;
  /** The question whose approval this uses. With a purchase key it is remembered. */
  readonly approval?: string;
}

/** What may be spent. */
export interface Limits {
  readonly available: Money;
  readonly held: Money;
  readonly wallet: { readonly status: string; readonly limits: readonly Limit[] };
  readonly agent: { readonly status: string; readonly limits: readonly Limit[] } | undefined;
  readonly mandate: { readonly status: string; readonly limits: readonly Limit[] } | undefined;
}

/** A wallet in the hands of its agent. */
export class Wallet {
  readonly client: Client;
  /** The wallet's id. */
  readonly id: string;
  /** What is in it, such as `CNY/2`. */
  readonly asset: string;
  /** Whether real money is meant. */
  readonly network: "toll:main" | "toll:test";
  readonly #buyer: Buyer;
  readonly #vkey: string | undefined;
  readonly #batches: Batches;
  readonly #underWay = new Map<string, Promise<unknown>>();

  private constructor(client: Client, buyer: Buyer, vkey: string | undefined) {
    this.client = client;
    this.id = buyer.wallet;
    this.asset = buyer.asset;
    this.network = buyer.network;
    this.#buyer = buyer;
    this.#vkey = vkey;
    this.#batches = new Batches(client);
  }

  /** Opens a wallet with a key file (`TOLLBRIDGE_KEY`) at a server (`TOLLBRIDGE_SERVER`). */
  static async open(keyFile?: string, server?: string, options: WalletOptions = {}): Promise<Wallet> {
    const { readKeyFile, environment, defaultPurchases, FileStore } = await import("./files.js");
    const path = keyFile ?? environment("KEY");
    if (path === undefined) throw new KeyFault("no key: name a key file, or set TOLLBRIDGE_KEY");
    const at = server ?? environment("SERVER") ?? "http://127.0.0.1:8402";
    const wallet = options.wallet ?? environment("WALLET");
    const kept = options.purchases ?? defaultPurchases();
    const purchases = typeof kept === "string" ? new FileStore(kept) : kept;
    return Wallet.of(await readKeyFile(path), at, {
      ...options,
      purchases,
      ...(wallet === undefined ? {} : { wallet }),
    });
  }

  /** The same with credentials and a store of any kind, also where there are no files. */
  static async of(
    by: Credentials,
    server: string,
    options: WalletOptions & { readonly purchases: PurchaseStore },
  ): Promise<Wallet> {
    const client = new Client(server, by, options.now);
    const me = await client.get<Me>("/v1/me");
    if (me.id === undefined) throw new KeyFault("the key is nobody's who could buy");
    let id = options.wallet;
    if (id === undefined) {
      if (me.kind !== "agent")
        throw new KeyFault("whose wallet? say `wallet`, for the key is not an agent's");
      id = (await client.get<Allowed>(`/v1/agents/${me.id}`)).wallet;
    }
    const wallet = await client.get<WalletState>(`/v1/wallets/${id}`);
    const mandate = options.mandate ?? (me.kind === "agent" ? await newestMandate(client, id) : undefined);
    const buyer: Buyer = {
      client,
      me: me.id,
      wallet: id,
      asset: wallet.available.asset,
      network: wallet.livemode ? "toll:main" : "toll:test",
      payees: options.payees ?? [],
      purchases: options.purchases,
      ...(mandate === undefined ? {} : { mandate }),
    };
    return new Wallet(client, buyer, options.vkey);
  }

  /** Gets an address, and pays for it where it costs something: once for each purchase key. */
  get(url: string, options: GetOptions): Promise<Purchase> {
    return this.fetch(url, options);
  }

  /** The same for any request. */
  async fetch(url: string, options: FetchOptions): Promise<Purchase> {
    const body = typeof options.body === "string" ? new TextEncoder().encode(options.body) : options.body;
    const wanted: Fetch = {
      url,
      method: options.method ?? "GET",
      headers: new Headers(options.headers),
      body: body ?? new Uint8Array(),
      maxPrice: readMoney(options.maxPrice, this.#buyer.asset),
      purchase: options.purchase,
      ...(options.why === undefined ? {} : { why: options.why }),
    };
    return this.#inTurn(options.purchase, () => buy(this.#buyer, wanted));
  }

  /** Pays a bill of another dialect, once; `tollbridge/x402` and `tollbridge/mpp` read such bills. */
  async payBill(bill: ForeignBill, options: BillOptions): Promise<PaidBill> {
    const maxPrice = readMoney(options.maxPrice, this.asset);
    return this.#inTurn(bill.name, () => payBill(this.#buyer, bill, maxPrice, options.why));
  }

  /** Works with a session at a seller, one at a time; `tollbridge/mpp` speaks its vouchers. */
  async session<T>(name: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#inTurn(`session ${name}`, () => work(new Session(this.#buyer, name)));
  }

  /** Pays at once. Payments that are asked together travel together, in arrays of at most 1,000. */
  async pay(payee: string, amount: AmountLike, options: PayOptions = {}): Promise<Payment> {
    const money = readMoney(amount, this.#buyer.asset);
    const { purchase } = options;
    if (purchase === undefined) {
      return this.#pay(this.#newPayment(payee, money, options));
    }
    return this.#inTurn(purchase, async () => {
      const attempts = await Attempts.of(this.#buyer.purchases, purchase);
      const request = `pay ${payee} ${money.amount} ${money.asset} ${options.category ?? ""}`;
      const last = await attempts.last(request);
      if (last?.stage === "paid") return new Payment("paid", last);
      const attempt =
        last?.stage === "begun" ? last : await this.#begin(attempts, request, payee, money, options, last);
      const { id, wallet, mandate, approval } = attempt;
      let payment: Payment;
      try {
        const again = { ...this.#newPayment(payee, money, options), id, wallet, mandate, approval };
        payment = await this.#pay(again);
      } catch (fault) {
        if (!(fault instanceof Refused)) throw fault;
        payment = await this.#afterRejection(attempt, fault);
        if (payment.state === "denied") {
          // What was not recorded leaves the name free, unless it is too old: then the next call takes
          // another.
          if (fault.code === "id_stale") await attempts.keep({ ...attempt, stage: "refused" });
          throw fault;
        }
      }
      const stage = stageOf(payment);
      const { entry, question } = payment;
      if (stage !== undefined) {
        const found = {
          ...(entry === undefined ? {} : { entry }),
          ...(question === undefined ? {} : { question }),
        };
        await attempts.keep({ ...attempt, stage, ...found });
      }
      return payment;
    });
  }

  /** Begins an attempt of a payment, with the question of the one before, if that was asked about. */
  #begin(
    attempts: Attempts,
    request: string,
    payee: string,
    amount: Money,
    options: PayOptions,
    before: Attempt | undefined,
  ) {
    const approval = options.approval ?? (before?.stage === "asked" ? before.question : undefined);
    const { id, wallet, mandate } = this.#newPayment(payee, amount, options);
    return attempts.begin({
      purchase: options.purchase ?? "",
      request,
      id,
      wallet,
      amount,
      billed_at: this.client.now(),
      stage: "begun",
      ...(mandate === undefined ? {} : { mandate }),
      ...(approval === undefined ? {} : { approval }),
    });
  }

  /** A no that was not recorded: an earlier try of ours may have been taken all the same. */
  async #afterRejection(attempt: Attempt, refused: Refused): Promise<Payment> {
    const { id, amount } = attempt;
    try {
      const found = await this.client.get<{ status: string; entry: number }>(`/v1/payments/${id}`);
      if (found.status === "paid") return new Payment("paid", { id, amount, entry: found.entry });
      return new Payment("unknown", { id, amount }, `the server says \`${found.status}\``);
    } catch (fault) {
      if (fault instanceof Refused && fault.problem.status === 404) {
        return new Payment("denied", { id, amount, problem: refused.problem });
      }
      return new Payment("unknown", { id, amount }, reasonOf(fault));
    }
  }

  /**
   * Pays many, each a payee and an amount, in as few requests as there can be. Each is answered for itself.
   */
  payAll(payments: readonly (readonly [payee: string, amount: AmountLike])[]): Promise<Payment[]> {
    return Promise.all(payments.map(([payee, amount]) => this.pay(payee, amount)));
  }

  /**
   * What may be spent: the wallet's money, and the limits of wallet, agent and mandate, all of which must
   * agree.
   */
  async limits(): Promise<Limits> {
    const { me, mandate } = this.#buyer;
    const [wallet, agent, granted] = await Promise.all([
      this.client.get<WalletState>(`/v1/wallets/${this.id}`),
      me.startsWith("agt_") ? this.client.get<Allowed>(`/v1/agents/${me}`) : undefined,
      mandate === undefined ? undefined : this.client.get<Allowed>(`/v1/mandates/${mandate}`),
    ]);
    const part = (of: { status: string; limits: Limit[] } | undefined) =>
      of && { status: of.status, limits: of.limits };
    const { available, held } = wallet;
    return {
      available,
      held,
      wallet: { status: wallet.status, limits: wallet.limits },
      agent: part(agent),
      mandate: part(granted),
    };
  }

  /**
   * The receipt of a payment, a denial or a question. Where the wallet was opened with the log's keys, it is
   * checked.
   */
  async receipt(of: Payment | number): Promise<Receipt> {
    const entry = typeof of === "number" ? of : of.entry;
    if (entry === undefined) throw new Malformed("a payment of which nothing is recorded has no receipt");
    const receipt = await this.client.get<Receipt>(`/v1/entries/${entry}/receipt`);
    if (this.#vkey !== undefined) await this.verify(receipt);
    return receipt;
  }

  /** Checks a receipt with the log's keys that the wallet was opened with. Asks nobody. */
  verify(receipt: Receipt): Promise<Recorded> {
    if (this.#vkey === undefined) throw new Malformed("no keys to check with: open the wallet with `vkey`");
    return verifyReceipt(receipt, this.#vkey);
  }

  #newPayment(payee: string, amount: Money, options: PayOptions) {
    return {
      id: this.client.freshId("pay"),
      wallet: this.id,
      mandate: this.#buyer.mandate,
      payee,
      amount,
      category: options.category,
      approval: options.approval,
      why: options.why,
    };
  }

  async #pay(payment: { id: string; amount: Money; approval: string | undefined }): Promise<Payment> {
    const { id, amount, approval } = payment;
    let result: PaymentResult;
    try {
      result = await this.#batches.pay(payment);
    } catch (fault) {
      if (fault instanceof Refused && !fault.isUnknown) throw fault;
      if (fault instanceof Refused) return new Payment("unknown", { id, amount }, reasonOf(fault));
      if ((fault as { code?: string }).code === "outcome_unknown") {
        return new Payment("unknown", { id, amount }, reasonOf(fault));
      }
      throw fault;
    }
    if (result.answer) return new Payment("paid", { id, amount, entry: result.answer.entry });
    if (result.asked) {
      const { ask, id: question, entry } = result.asked;
      return new Payment("asked", { id, amount, entry, code: ask, question });
    }
    if (result.problem) return afterNo(result.problem, id, amount, approval);
    return new Payment("unknown", { id, amount }, `status ${result.status} says nothing`);
  }

  /** One at a time for each purchase key. */
  async #inTurn<T>(purchase: string, work: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(purchase);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return work();
    })();
    this.#underWay.set(purchase, mine);
    try {
      return await mine;
    } finally {
      if (this.#underWay.get(purchase) === mine) this.#underWay.delete(purchase);
    }
  }
}

/** A recorded no is a state; one that was not recorded is an error of the request. */
function afterNo(problem: Problem, id: string, amount: Money, question: string | undefined): Payment {
  if (500 <= problem.status) return new Payment("unknown", { id, amount }, problem.detail);
  if (problem.entry === undefined) throw new Refused(problem);
  if (problem.code === "approval_pending" && question !== undefined) {
    return new Payment("asked", { id, amount, entry: problem.entry, code: problem.code, question });
  }
  return new Payment("denied", { id, amount, problem });
}

function stageOf(payment: Payment): Stage | undefined {
  if (payment.state === "paid") return "paid";
  if (payment.state === "asked") return "asked";
  return payment.state === "denied" ? "refused" : undefined;
}

async function newestMandate(client: Client, wallet: string): Promise<string | undefined> {
  const { data } = await client.list<Allowed>("/v1/mandates", { limit: 100 });
  return data.find((mandate) => mandate.wallet === wallet && mandate.status === "active")?.id;
}
