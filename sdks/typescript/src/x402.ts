/**
 * x402 with the official packages: `register` lets their client pay from a wallet, `TollSeller` lets their server
 * middleware sell to wallets, and `paymentSignature` pays without either.
 *
 * The official classes are described by their shapes, so this file needs none of them.
 */

import { base64, base64url, sha256, utf8 } from "./bytes.js";
import type { BillOptions } from "./bill.js";
import { DemandRefused, Malformed, TollbridgeError } from "./errors.js";
import { freshBits } from "./ids.js";
import { HEADER_CHARS_MAX } from "./limits.js";
import { assetParts, readMoney, type Money } from "./money.js";
import type { Wallet } from "./wallet.js";

/** One way of paying, as x402 asks for it. */
export interface Requirements {
  scheme: string;
  network: `${string}:${string}`;
  asset: string;
  amount: string;
  payTo: string;
  maxTimeoutSeconds: number;
  extra: Record<string, unknown>;
}

/** What a 402 of x402 asks for. */
export interface Required {
  x402Version: number;
  resource: { url: string };
  accepts: Requirements[];
}

/** The schemes of our network. */
export type Scheme = "exact" | "upto";

/** What is allowed to be spent, as the official client's spend control has it. */
export interface AllowedAsset {
  network: `${string}:${string}`;
  asset: string;
  maxAmountPerPayment?: string;
}

/** The official client, as far as it is used here. */
export interface OfficialClient {
  register(network: `${string}:${string}`, scheme: TollScheme): unknown;
  setSpendControls(controls: { allowedAssets: AllowedAsset[] }): unknown;
}

/** How a wallet pays in x402. */
export interface X402Options extends BillOptions {
  /** Other assets that the client may spend: its spend control is replaced by these and ours. */
  readonly allowedAssets?: readonly AllowedAsset[];
  /** Is told why something was not paid. Some wrappers of the official client pass on the words only. */
  readonly onRefused?: (why: TollbridgeError) => void;
}

/**
 * Lets an official `x402Client` pay from this wallet, `exact` and `upto`, each time at most `maxPrice`. Its spend
 * control gets one entry, for the wallet's asset and with that cap.
 */
export function register<Client extends OfficialClient>(
  client: Client,
  wallet: Wallet,
  options: X402Options,
): Client {
  const cap = readMoney(options.maxPrice, wallet.asset);
  for (const scheme of ["exact", "upto"] as const) {
    client.register(wallet.network, new TollScheme(scheme, wallet, options));
  }
  const ours = {
    network: wallet.network,
    asset: assetParts(wallet.asset).code,
    maxAmountPerPayment: cap.amount,
  };
  client.setSpendControls({ allowedAssets: [...(options.allowedAssets ?? []), ours] });
  return client;
}

/** One of our schemes, for the official client. */
export class TollScheme {
  /** The client tells the resource only here, and always with the requirements it pays next. */
  readonly schemeHooks = {
    onBeforePaymentCreation: async (context: {
      paymentRequired: { resource?: { url?: string } };
      selectedRequirements: Requirements;
    }): Promise<void> => {
      this.#resources.set(context.selectedRequirements, context.paymentRequired.resource?.url ?? "");
    },
  };
  readonly #resources = new WeakMap<Requirements, string>();
  readonly #names = new WeakMap<Requirements, string>();

  constructor(
    readonly scheme: Scheme,
    private readonly wallet: Wallet,
    private readonly options: X402Options,
  ) {}

  /** Pays what was chosen, once. Throws a `TollbridgeError`. */
  async createPaymentPayload(
    x402Version: number,
    requirements: Requirements,
  ): Promise<{ x402Version: number; payload: { credential: string } }> {
    // The same requirements, asked for again, are the same payment.
    const name = this.#names.get(requirements) ?? freshBits(this.wallet.client.now());
    this.#names.set(requirements, name);
    try {
      const resource = this.#resources.get(requirements) ?? "";
      const payload = await pay(this.wallet, requirements, resource, name, this.options);
      return { x402Version, payload };
    } catch (fault) {
      if (fault instanceof TollbridgeError) this.options.onRefused?.(fault);
      throw fault;
    }
  }
}

/**
 * Pays the `PAYMENT-REQUIRED` of a 402, without any other package: the answer is the value of `PAYMENT-SIGNATURE` for
 * the same request.
 */
export async function paymentSignature(
  wallet: Wallet,
  required: string,
  options: BillOptions,
): Promise<string> {
  const asked = read(required);
  const accepted = asked.accepts.find((one) => one.network === wallet.network);
  if (!accepted) throw new DemandRefused(`it cannot be paid on \`${wallet.network}\``, "method_unsupported");
  const { resource } = asked;
  const payload = await pay(wallet, accepted, resource.url, freshBits(wallet.client.now()), options);
  return base64(utf8(JSON.stringify({ x402Version: 2, resource, accepted, payload })));
}

function read(required: string): Required {
  try {
    if (HEADER_CHARS_MAX < required.length) throw new Error("it is too long");
    const bytes = Uint8Array.from(atob(required), (letter) => letter.charCodeAt(0));
    const asked = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Partial<Required>;
    if (asked.x402Version !== 2 || !Array.isArray(asked.accepts) || typeof asked.resource?.url !== "string") {
      throw new Error("it is not of version 2");
    }
    return asked as Required;
  } catch (fault) {
    throw new DemandRefused(`it is not x402: ${(fault as Error).message}`);
  }
}

async function pay(
  wallet: Wallet,
  requirements: Requirements,
  resource: string,
  name: string,
  options: BillOptions,
): Promise<{ credential: string }> {
  const extra = requirements.extra ?? {};
  const asked = { accepted: JSON.stringify(requirements), resource };
  const digest = base64url(await sha256(utf8(JSON.stringify(asked))));
  // A bill of a gateway has a number. Anybody else asks for the same in the same words, each time anew.
  const { credential } = await wallet.payBill(
    {
      path: "/v1/x402/pay",
      name: extra["bill"] === undefined ? `x402 ${digest} ${name}` : `x402 ${digest}`,
      network: requirements.network,
      payee: requirements.payTo,
      amount: requirements.amount,
      currency: requirements.asset,
      decimals: extra["decimals"],
      authority: extra["authority"],
      asked,
    },
    options,
  );
  return { credential };
}

/**
 * The scheme `exact` of our network, for the official `x402ResourceServer`: prices are said as `"0.30 CNY"`. Its
 * facilitator is `facilitator(server)`.
 */
export class TollSeller {
  readonly scheme = "exact";
  readonly defaultAssetTransferMethod = "ledger";
  /** The money is held when it is verified, and taken after the answer. */
  readonly paymentFlows = {
    ledger: { supported: ["authorization"], default: "authorization" },
  } as const;
  readonly #asset: string;
  readonly #authority: string;

  /** `server` is the payment service, `asset` what is charged, such as `CNY/2`. */
  constructor(server: string, asset: string) {
    assetParts(asset);
    this.#asset = asset;
    this.#authority = new URL(server).origin;
  }

  async parsePrice(price: string | number | { asset: string; amount: string }): Promise<{
    asset: string;
    amount: string;
    extra: Record<string, unknown>;
  }> {
    const { code } = assetParts(this.#asset);
    let money: Money;
    if (typeof price === "object") {
      if (price.asset !== code)
        throw new Malformed(`\`${price.asset}\` is not \`${code}\``, "asset_mismatch");
      money = readMoney({ amount: price.amount, asset: this.#asset }, this.#asset);
    } else {
      money = readMoney(price as string, this.#asset);
    }
    return { asset: code, amount: money.amount, extra: {} };
  }

  getAssetDecimals(asset: string): number | undefined {
    const { code, scale } = assetParts(this.#asset);
    return asset === code ? scale : undefined;
  }

  async enhancePaymentRequirements(requirements: Requirements): Promise<Requirements> {
    const ours = { decimals: assetParts(this.#asset).scale, authority: this.#authority };
    return { ...requirements, extra: { ...requirements.extra, ...ours } };
  }
}

/** What the official `HTTPFacilitatorClient` is made with, so that this payment service is the facilitator. */
export function facilitator(server: string): { url: string } {
  return { url: `${new URL(server).origin}/v1/x402` };
}
