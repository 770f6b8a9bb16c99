/**
 * A session at one seller: many calls paid by vouchers, each of which says what everything so far comes to.
 *
 * The money is set aside in a channel at the payment service, and one channel follows another within a cap over
 * all. What a voucher says is kept before it leaves, so whatever dies in between, nothing is signed that goes
 * beyond one call that was asked for. A seller's word about what is owed is taken only as far as it was signed
 * for.
 */

import type { Buyer } from "./buy.js";
import { base64url, concat, sha256, utf8 } from "./bytes.js";
import {
  DemandRefused,
  OutcomeUnknown,
  OwnerAsked,
  PurchaseFault,
  reasonOf,
  Refused,
  TooDear,
} from "./errors.js";
import { readBits } from "./ids.js";
import { voucherKey } from "./keys.js";
import {
  CHANNEL_MARGIN_SECONDS,
  CHANNEL_SECONDS,
  PURCHASE_KEY_BYTES_MAX,
  STREAM_EVENTS_MAX,
} from "./limits.js";
import { assetParts, inWords, readMoney, type AmountLike, type Money } from "./money.js";
import type { Asked } from "./shapes.js";

/** What a session may spend. */
export interface SessionOptions {
  /** The most that one call may cost, or one event of a stream, such as `"0.001 CNY"`: it may be less than a smallest unit. */
  readonly maxPrice: AmountLike;
  /** The most that all channels of the session may come to together. */
  readonly cap: AmountLike;
  /** What each channel sets aside, where the cap leaves as much; by default what the seller asks for. */
  readonly deposit?: AmountLike;
  /** Names the session: what has the same name goes on with it. By default there is one with each seller. */
  readonly session?: string;
}

/** What a seller asks for a call. Sums are in billionths of the smallest unit, as text. */
export interface AskedVoucher {
  readonly network: unknown;
  readonly payee: unknown;
  readonly currency: unknown;
  /** The decimals of a billionth. */
  readonly decimals: unknown;
  readonly authority: unknown;
  readonly unit: unknown;
  readonly price: unknown;
  readonly deposit: unknown;
  /** How a channel stands with the seller, where it says so. */
  readonly standing?: { readonly channelId?: unknown; readonly spent?: unknown } | undefined;
}

/** A voucher, as text. */
export interface SignedVoucher {
  readonly channelId: string;
  readonly cumulativeAmount: string;
  readonly signature: string;
  /** Whether it is the first of its channel. */
  readonly isFirst: boolean;
}

interface Channel {
  id: string;
  /** In smallest units. */
  deposit: string;
  expires_at: string;
  seed: string;
  approval?: string;
  /** `opening`: whether it was opened is to be asked under its name. `asked`: nothing was set aside under it. */
  stage: "opening" | "asked" | "open";
  /** What is owed as far as this side knows, and the most that was signed, in billionths. */
  owed: string;
  signed_max: string;
}

interface Kept {
  session: string;
  payee: string;
  wallet: string;
  /** What earlier channels came to, or set aside where that is not known, in smallest units. */
  earlier: string;
  channel?: Channel;
}

const NANOS = 10n ** 9n;
const DOMAIN = utf8("toll:voucher/1\n");

/** The vouchers of one session. One at a time may use it: `Wallet.session` sees to it within one program. */
export class Session {
  readonly #buyer: Buyer;
  readonly #name: string;

  constructor(buyer: Buyer, name: string) {
    const { length } = utf8(name);
    if (length === 0 || PURCHASE_KEY_BYTES_MAX < length) {
      throw new PurchaseFault(
        "purchase_key_length",
        `the name of a session has 1 to ${PURCHASE_KEY_BYTES_MAX} bytes`,
      );
    }
    this.#buyer = buyer;
    this.#name = name;
  }

  /**
   * Signs for one more call, and opens a channel where there is none with room for it.
   *
   * Throws `TooDear`, `DemandRefused`, `Refused` or `OwnerAsked`, where nothing was set aside, and `OutcomeUnknown`
   * where nobody can say whether a channel was opened: asking again opens no second one.
   */
  async sign(asked: AskedVoucher, options: SessionOptions): Promise<SignedVoucher> {
    const { price, deposit, payee } = this.#check(asked, options);
    let kept = await this.#read();
    if (kept && kept.payee !== payee) {
      throw new DemandRefused(`session \`${this.#name}\` is with another seller`, "session_differs");
    }
    kept ??= { session: this.#name, payee, wallet: this.#buyer.wallet, earlier: "0" };
    const { standing } = asked;
    if (kept.channel && standing?.channelId === kept.channel.id) believe(kept.channel, standing.spent);
    if (kept.channel?.stage === "open" && !this.#hasRoom(kept.channel, price)) {
      // What is left of it comes back by itself at its end.
      kept.earlier = (BigInt(kept.earlier) + BigInt(kept.channel.deposit)).toString();
      delete kept.channel;
    }
    const channel = (kept.channel ??= this.#choose(kept, price, deposit, options));
    if (channel.stage === "asked") {
      channel.id = this.#buyer.client.freshId("mtr");
      channel.stage = "opening";
    }
    if (channel.stage === "opening") await this.#open(kept, channel);
    const isFirst = channel.signed_max === "0";
    const total = BigInt(channel.owed) + price;
    channel.owed = total.toString();
    if (BigInt(channel.signed_max) < total) channel.signed_max = channel.owed;
    await this.#write(kept);
    return { ...(await signed(channel)), isFirst };
  }

  /**
   * Signs for what waits in a stream, and says how many events that is; nothing where it is more than the channel has, and so the stream has
   * ended.
   */
  async more(
    asked: AskedVoucher,
    needed: { readonly channelId?: unknown; readonly requiredCumulative?: unknown },
    options: SessionOptions,
  ): Promise<(SignedVoucher & { readonly events: number }) | undefined> {
    const { price } = this.#check(asked, options);
    const kept = await this.#read();
    const channel = kept?.channel;
    if (kept === undefined || channel?.stage !== "open" || needed.channelId !== channel.id) {
      throw new DemandRefused("the stream is paid by another channel");
    }
    const total = sum(needed.requiredCumulative);
    if (BigInt(channel.deposit) * NANOS < total) return undefined;
    const added = total - BigInt(channel.owed);
    if (added <= 0n || added % price !== 0n || BigInt(STREAM_EVENTS_MAX) * price < added) {
      throw new DemandRefused(`it does not ask for 1 to ${STREAM_EVENTS_MAX} events`);
    }
    channel.owed = total.toString();
    if (BigInt(channel.signed_max) < total) channel.signed_max = channel.owed;
    await this.#write(kept);
    return { ...(await signed(channel)), isFirst: false, events: Number(added / price) };
  }

  /** A voucher for what is owed, to close the open channel with; nothing where none is open. */
  async last(): Promise<SignedVoucher | undefined> {
    const channel = (await this.#read())?.channel;
    if (channel?.stage !== "open") return undefined;
    return { ...(await signed(channel)), isFirst: false };
  }

  /** Takes a seller's word about what is owed on the open channel, as far as it was signed for. */
  async correct(standing: { readonly channelId?: unknown; readonly spent?: unknown }): Promise<void> {
    const kept = await this.#read();
    if (kept?.channel === undefined || standing.channelId !== kept.channel.id) return;
    believe(kept.channel, standing.spent);
    await this.#write(kept);
  }

  /** Asks our own server what the channel came to, and forgets it once it has ended. */
  async settled(): Promise<Money> {
    const kept = await this.#read();
    const { asset, client } = this.#buyer;
    if (kept?.channel === undefined) return { amount: kept?.earlier ?? "0", asset };
    const { id, expires_at } = kept.channel;
    const state = await client.get<{ status: string; captured?: Money }>(`/v1/meters/${id}`);
    if (state.status === "held") {
      throw new OutcomeUnknown(
        `channel \`${id}\` is not settled yet; its rest comes back by itself at ${expires_at}`,
      );
    }
    kept.earlier = (BigInt(kept.earlier) + BigInt(state.captured?.amount ?? "0")).toString();
    delete kept.channel;
    await this.#write(kept);
    return { amount: kept.earlier, asset };
  }

  /** Compares what is asked with what this wallet pays. Nothing was set aside yet. */
  #check(asked: AskedVoucher, options: SessionOptions): { price: bigint; deposit: bigint; payee: string } {
    const { asset, network, client, payees } = this.#buyer;
    const { code, scale } = assetParts(asset);
    if (asked.network !== network) {
      throw new DemandRefused(`it cannot be paid on \`${network}\``, "method_unsupported");
    }
    if (asked.unit !== "call" && asked.unit !== "event") {
      throw new DemandRefused("it is sold by neither call nor event", "method_unsupported");
    }
    if (String(asked.currency).toUpperCase() !== code || asked.decimals !== scale + 9) {
      throw new DemandRefused(`it is not in billionths of \`${asset}\``, "asset_mismatch");
    }
    if (originOf(asked.authority) !== client.base.origin) {
      throw new DemandRefused("it names another payment service than ours", "psp_differs");
    }
    const payee = String(asked.payee);
    if (payees.length !== 0 && !payees.includes(payee)) {
      throw new DemandRefused(`seller \`${payee.slice(0, 48)}\` is not one to buy from`, "payee_not_chosen");
    }
    const price = sum(asked.price);
    const nanos = `${code}/${scale + 9}`;
    const max = BigInt(readMoney(options.maxPrice, nanos).amount);
    if (price <= 0n) throw new DemandRefused("its price is nothing");
    if (max < price) {
      throw new TooDear(
        inWords({ amount: `${price}`, asset: nanos }),
        inWords({ amount: `${max}`, asset: nanos }),
      );
    }
    return { price, deposit: sum(asked.deposit), payee };
  }

  #hasRoom(channel: Channel, price: bigint): boolean {
    const left = Date.parse(channel.expires_at) - this.#buyer.client.now();
    const fits = BigInt(channel.owed) + price <= BigInt(channel.deposit) * NANOS;
    return fits && CHANNEL_MARGIN_SECONDS * 1_000 < left;
  }

  /** A new channel, as large as the cap allows. */
  #choose(kept: Kept, price: bigint, asked: bigint, options: SessionOptions): Channel {
    const { asset, client } = this.#buyer;
    const ceiling = (nanos: bigint) => (nanos + NANOS - 1n) / NANOS;
    const least = ceiling(asked < price ? price : asked);
    const left = BigInt(readMoney(options.cap, asset).amount) - BigInt(kept.earlier);
    if (left < least) {
      const money = (minor: bigint) => inWords({ amount: `${minor < 0n ? 0n : minor}`, asset });
      throw new DemandRefused(
        `a channel of ${money(least)} is needed, and the cap leaves ${money(left)}`,
        "cap_reached",
      );
    }
    const wanted = options.deposit === undefined ? least : BigInt(readMoney(options.deposit, asset).amount);
    const deposit = wanted < least ? least : left < wanted ? left : wanted;
    const ends = new Date((Math.floor(client.now() / 1_000) + CHANNEL_SECONDS) * 1_000);
    return {
      id: client.freshId("mtr"),
      deposit: deposit.toString(),
      expires_at: ends.toISOString().replace(".000Z", "Z"),
      seed: base64url(crypto.getRandomValues(new Uint8Array(32))),
      stage: "opening",
      owed: "0",
      signed_max: "0",
    };
  }

  /** Opens the channel, or learns that it was opened. */
  async #open(kept: Kept, channel: Channel): Promise<void> {
    const { client, asset, mandate } = this.#buyer;
    await this.#write(kept);
    const { publicKey } = await voucherKey(channel.seed);
    const wanted = {
      id: channel.id,
      wallet: kept.wallet,
      mandate,
      payee: kept.payee,
      amount: { amount: channel.deposit, asset },
      approval: channel.approval,
      expires_at: channel.expires_at,
      rounding: "half_up",
      algorithm: "ed25519",
      voucher_key: publicKey,
    };
    let reply: { status: number; answer: Asked };
    try {
      reply = await client.request("POST", "/v1/channels", wanted);
    } catch (fault) {
      if (!(fault instanceof Refused) || fault.isUnknown) throw new OutcomeUnknown(reasonOf(fault));
      if (fault.code === "approval_pending" && channel.approval !== undefined) {
        channel.stage = "asked";
        await this.#write(kept);
        throw new OwnerAsked(fault.code, channel.approval);
      }
      // An earlier try of ours may have been taken all the same.
      if (!(await this.#isOpen(channel))) {
        delete kept.channel;
        await this.#write(kept);
        throw fault;
      }
      reply = { status: 201, answer: {} as Asked };
    }
    if (reply.status === 202) {
      channel.stage = "asked";
      // The same may have been asked before, under another name.
      channel.approval = reply.answer.id;
      await this.#write(kept);
      throw new OwnerAsked(reply.answer.ask, reply.answer.id);
    }
    channel.stage = "open";
  }

  async #isOpen(channel: Channel): Promise<boolean> {
    try {
      await this.#buyer.client.get(`/v1/channels/${channel.id}`);
      return true;
    } catch (fault) {
      if (fault instanceof Refused && fault.problem.status === 404) return false;
      throw new OutcomeUnknown(reasonOf(fault));
    }
  }

  async #read(): Promise<Kept | undefined> {
    const text = await this.#buyer.purchases.read(await this.#file());
    if (text === undefined) return undefined;
    let kept: Partial<Kept> | undefined;
    try {
      kept = JSON.parse(text) as Partial<Kept>;
    } catch {
      kept = undefined;
    }
    if (
      kept?.session !== this.#name ||
      kept.wallet !== this.#buyer.wallet ||
      typeof kept.payee !== "string"
    ) {
      throw new PurchaseFault(
        "purchase_damaged",
        `what is kept of session \`${this.#name}\` is damaged or of another wallet`,
      );
    }
    return kept as Kept;
  }

  async #write(kept: Kept): Promise<void> {
    await this.#buyer.purchases.replace(await this.#file(), JSON.stringify(kept));
  }

  async #file(): Promise<string> {
    return `${base64url(await sha256(utf8(`session\n${this.#name}`)))}.session`;
  }
}

/** Signs for what is owed. */
async function signed({ id, seed, owed }: Channel): Promise<Omit<SignedVoucher, "isFirst">> {
  const { sign } = await voucherKey(seed);
  const signature = await sign(concat(DOMAIN, bytesOf(readBits(id.slice(4))), bytesOf(BigInt(owed))));
  return { channelId: id, cumulativeAmount: owed, signature: base64url(signature) };
}

/** A seller's word, as far as it was signed for. */
function believe(channel: Channel, spent: unknown): void {
  const said = sum(spent);
  if (BigInt(channel.signed_max) < said) {
    throw new DemandRefused("the seller says that more is owed than was signed for");
  }
  channel.owed = said.toString();
}

function sum(said: unknown): bigint {
  if (typeof said !== "string" || !/^(0|[1-9][0-9]{0,38})$/.test(said))
    throw new DemandRefused("a sum of it is none");
  return BigInt(said);
}

/** 16 bytes, the most significant first. */
function bytesOf(number: bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  let rest = number;
  for (let place = 15; 0 <= place; place -= 1) {
    bytes[place] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

function originOf(address: unknown): string | undefined {
  try {
    return new URL(String(address)).origin;
  } catch {
    return undefined;
  }
}
