/**
 * What a seller demands in `Payment-Needed`, and whether it is for our request. Its signature is checked by
 * the payment service.
 */

import { base64url, fromBase64url, sha256, utf8, type Bytes } from "./bytes.js";
import { DemandRefused, Malformed } from "./errors.js";
import {
  CONTENT_TYPE_BYTES_MAX,
  HEADER_CHARS_MAX,
  REPLAY_WINDOW_SECONDS_MIN,
  URI_BYTES_MAX,
} from "./limits.js";
import { assetParts, readMoney, type Money } from "./money.js";

/** One HTTP request, as far as a payment is bound to it. */
export interface RequestFacts {
  readonly method: string;
  readonly url: URL;
  /** `sha-256:` and Base64URL. */
  readonly fingerprint: string;
}

/** A demand that is for our request, in time, and by a method we know. */
export interface Bill {
  readonly seller: string;
  readonly price: Money;
  readonly outTradeNo: string;
  readonly resource: string;
  readonly requestFingerprint: string;
  readonly idempotencyKey?: string;
  /** The name of the quote that goes with it, where it is sold on terms. */
  readonly quote?: string;
}

/** What a bill is compared with. */
export interface Expected {
  readonly facts: RequestFacts;
  readonly idempotencyKey?: string;
  readonly buyer: string;
  readonly network: "toll:main" | "toll:test";
  /** The asset of the wallet. */
  readonly asset: string;
  /** The payment service we have an account with. */
  readonly server: URL;
  /** Only these sellers; none means every one the server knows. */
  readonly payees: readonly string[];
  readonly nowMs: number;
}

/** The fingerprint of a request: method, normalised address, content type and body. */
export async function fingerprint(
  method: string,
  uri: string,
  contentType: string,
  body: Bytes,
): Promise<RequestFacts> {
  const verb = method.toUpperCase();
  if (!/^[A-Z]{1,32}$/.test(verb)) throw new Malformed(`\`${method.slice(0, 48)}\` is not an HTTP method`);
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw new Malformed(`\`${uri.slice(0, 100)}\` is not an address`);
  }
  if (!/^https?:$/.test(url.protocol) || URI_BYTES_MAX < utf8(uri).length) {
    throw new Malformed(
      `\`${uri.slice(0, 100)}\` is not an \`http\` or \`https\` address of up to ${URI_BYTES_MAX} bytes`,
    );
  }
  [url.hash, url.username, url.password] = ["", "", ""];
  const type = contentType.trim().toLowerCase();
  if (CONTENT_TYPE_BYTES_MAX < utf8(type).length || /[\x00-\x1f\x7f-\x9f]/.test(type)) {
    throw new Malformed("the content type has control characters or is too long");
  }
  const lines = [verb, url.href, type, base64url(await sha256(body))].join("\n");
  return { method: verb, url, fingerprint: `sha-256:${base64url(await sha256(utf8(lines)))}` };
}

/** Both layers of one of the three headers, or undefined where it is none. */
export function decodeHeader(value: string): { protocol: Layer; method: Layer } | undefined {
  if (HEADER_CHARS_MAX < value.length) return undefined;
  const bytes = fromBase64url(value);
  if (!bytes) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const payload: unknown = JSON.parse(text);
    if (isLayer(payload) && isLayer(payload["protocol"]) && isLayer(payload["method"])) {
      return { protocol: payload["protocol"], method: payload["method"] };
    }
  } catch {
    // Not JSON, so no header of ours.
  }
  return undefined;
}

type Layer = Record<string, unknown>;

function isLayer(value: unknown): value is Layer {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a demand and compares it with our request. The payment service reads the same bytes more strictly,
 * and its signature.
 */
export function openBill(needed: string, expected: Expected): Bill {
  const layers = decodeHeader(needed);
  if (!layers) throw new DemandRefused("it is malformed");
  const { protocol, method } = layers;
  const text = (layer: Layer, name: string): string => {
    const value = layer[name];
    if (typeof value !== "string" || value === "")
      throw new DemandRefused(`\`${name}\` is missing or no text`);
    return value;
  };
  const seller = text(protocol, "seller_unique_id");
  if (expected.payees.length !== 0 && !expected.payees.includes(seller)) {
    throw new DemandRefused(`seller \`${seller.slice(0, 48)}\` is not one to buy from`, "payee_not_chosen");
  }
  const isOurs =
    text(protocol, "method_id") === `${expected.network}/wallet` && method["network"] === expected.network;
  if (!isOurs || text(protocol, "method_version") !== "1.0.0") {
    throw new DemandRefused(`it cannot be paid on \`${expected.network}\``, "method_unsupported");
  }
  const isForOurRequest =
    text(protocol, "request_method") === expected.facts.method &&
    text(protocol, "request_fingerprint") === expected.facts.fingerprint &&
    (expected.idempotencyKey === undefined || protocol["idempotency_key"] === expected.idempotencyKey);
  if (!isForOurRequest) throw new DemandRefused("it is for another request than ours", "request_differs");
  const buyer = protocol["buyer_unique_id"];
  if (buyer !== undefined && buyer !== expected.buyer) throw new DemandRefused("it is for another buyer");
  const payBefore = Date.parse(text(protocol, "pay_before"));
  if (!(expected.nowMs < payBefore)) throw new DemandRefused("it had to be paid earlier");
  const window = protocol["replay_window_seconds"];
  if (typeof window !== "number" || !Number.isInteger(window) || window < REPLAY_WINDOW_SECONDS_MIN) {
    throw new DemandRefused("it leaves too little time for repetitions");
  }
  if (text(method, "payee") !== seller) throw new DemandRefused("it pays somebody else than the seller");
  if (originOf(text(method, "psp")) !== expected.server.origin) {
    throw new DemandRefused("it names another payment service than ours", "psp_differs");
  }
  const asset = text(method, "asset");
  if (asset !== expected.asset || assetParts(asset).code !== text(protocol, "currency")) {
    throw new DemandRefused(
      `it is in \`${asset.slice(0, 24)}\`, and the wallet in \`${expected.asset}\``,
      "asset_mismatch",
    );
  }
  const quote = method["quote"];
  if (quote !== undefined && typeof quote !== "string") throw new DemandRefused("`quote` is no name");
  const idempotencyKey = protocol["idempotency_key"];
  return {
    seller,
    price: price(text(protocol, "amount"), asset),
    outTradeNo: text(protocol, "out_trade_no"),
    resource: text(protocol, "resource_id"),
    requestFingerprint: expected.facts.fingerprint,
    ...(typeof idempotencyKey === "string" ? { idempotencyKey } : {}),
    ...(quote === undefined ? {} : { quote }),
  };
}

/** An amount in whole units, as A402 writes it; zeros beyond the asset's decimals are no money. */
function price(amount: string, asset: string): Money {
  const { scale } = assetParts(asset);
  const found = /^(0|[1-9][0-9]*)(?:\.([0-9]{1,18}))?$/.exec(amount);
  const decimals = found?.[2] ?? "";
  if (80 < amount.length || !found?.[1] || /[^0]/.test(decimals.slice(scale))) {
    throw new DemandRefused("its amount is not one of the asset");
  }
  const kept = decimals.slice(0, scale);
  try {
    return readMoney(kept === "" ? found[1] : `${found[1]}.${kept}`, asset);
  } catch {
    throw new DemandRefused("its amount is too large");
  }
}

function originOf(address: string): string | undefined {
  try {
    return new URL(address).origin;
  } catch {
    return undefined;
  }
}

/** Checks the quote that a bill names: it is that very quote, for this purchase and price, and not over. */
export async function checkQuote(bill: Bill, header: string | null, nowMs: number): Promise<void> {
  if (bill.quote === undefined) return;
  if (header === null) throw new DemandRefused("the quote it names did not come with it", "quote_missing");
  const bytes = fromBase64url(header);
  let sealed: unknown;
  try {
    sealed = bytes && JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    sealed = undefined;
  }
  const body = isLayer(sealed) ? sealed["body"] : undefined;
  if (!isLayer(body)) throw new DemandRefused("its quote cannot be read", "quote_malformed");
  // The bill is signed and names the quote by its digest, so the seller's word for one is her word for the
  // other.
  const digest = base64url(await sha256(utf8(`toll:quote/1\n${canonical(body)}`)));
  if (
    digest !== bill.quote ||
    body["payee"] !== bill.seller ||
    body["resource"] !== bill.resource ||
    body["request"] !== bill.requestFingerprint
  ) {
    throw new DemandRefused("the quote is for something else", "quote_foreign");
  }
  if (body["amount"] !== bill.price.amount || body["asset"] !== bill.price.asset) {
    throw new DemandRefused("the quote has another price", "quote_price");
  }
  if (!(nowMs < Date.parse(String(body["expires_at"]))))
    throw new DemandRefused("the quote is over", "quote_expired");
}

/** The canonical form of JSON without fractions (RFC 8785). */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isLayer(value)) {
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new DemandRefused("its quote has a fraction", "quote_malformed");
  }
  return JSON.stringify(value);
}
