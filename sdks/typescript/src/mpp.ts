/**
 * The `Payment` scheme with the official package `mppx`: the method `toll`, intent `charge`, for its client and for its
 * server, and intent `session` for its client.
 */

import { Challenge, Credential, Errors, Method, Receipt, z } from "mppx";
import type { BillOptions } from "./bill.js";
import { sleep } from "./client.js";
import { base64url, fromBase64url, sha256, utf8 } from "./bytes.js";
import { DemandRefused, Malformed, OutcomeUnknown, reasonOf } from "./errors.js";
import { freshBits } from "./ids.js";
import { BACKOFF_MIN_MS, CLOSE_TRIES_MAX, SELLER_TIMEOUT_MS, TRY_TIMEOUT_MS } from "./limits.js";
import { assetParts, readMoney, type Money } from "./money.js";
import type { AskedVoucher, SessionOptions, SignedVoucher } from "./session.js";
import type { Wallet } from "./wallet.js";

const method = Method.from({
  name: "toll",
  intent: "charge",
  schema: {
    credential: { payload: z.object({ credential: z.string() }) },
    request: z.object({
      amount: z.string(),
      currency: z.optional(z.string()),
      recipient: z.optional(z.string()),
      description: z.optional(z.string()),
      externalId: z.optional(z.string()),
      methodDetails: z.optional(z.record(z.string(), z.unknown())),
    }),
  },
});

/**
 * The method `toll` for `Mppx.create` of `mppx/client`: pays from this wallet, each time at most `maxPrice`. What is not
 * paid throws a `TollbridgeError`.
 */
export function toll(wallet: Wallet, options: BillOptions) {
  return Method.toClient(method, {
    async createCredential({ challenge }) {
      // The server is told the challenge in the very text in which the credential will carry it.
      const text = challengeText(Credential.serialize({ challenge, payload: {} }));
      const { request } = challenge;
      const details = request.methodDetails ?? {};
      const { credential } = await wallet.payBill(
        {
          path: "/v1/mpp/pay",
          name: `mpp ${base64url(await sha256(utf8(text)))}`,
          network: details["network"],
          payee: request.recipient,
          amount: request.amount,
          currency: request.currency,
          decimals: details["decimals"],
          authority: details["authority"],
          asked: { challenge: text },
        },
        options,
      );
      return Credential.serialize({ challenge, payload: { credential } });
    },
  });
}

const session = Method.from({
  name: "toll",
  intent: "session",
  schema: {
    credential: {
      payload: z.object({
        action: z.string(),
        channelId: z.string(),
        cumulativeAmount: z.string(),
        signature: z.string(),
      }),
    },
    request: z.object({
      amount: z.string(),
      currency: z.optional(z.string()),
      recipient: z.optional(z.string()),
      suggestedDeposit: z.optional(z.string()),
      unitType: z.optional(z.string()),
      methodDetails: z.optional(z.record(z.string(), z.unknown())),
    }),
  },
});

type SessionChallenge = Challenge.Challenge<z.output<typeof session.schema.request>>;

/**
 * The intent `session` of the method `toll` for `Mppx.create` of `mppx/client`: pays calls at one seller by vouchers from
 * this wallet, each at most `maxPrice`, all together at most `cap`. One call of a session is under way at a time.
 * `events(answer)` reads a stream and pays it as it goes; `close(url)` ends the session at any address that is sold by it, and answers what the session came to.
 */
export function tollSession(wallet: Wallet, options: SessionOptions) {
  let latest: SessionChallenge | undefined;
  const client = Method.toClient(session, {
    async createCredential({ challenge }) {
      latest = challenge as SessionChallenge;
      const asked = askedFor(latest);
      const voucher = await wallet.session(nameOf(options, asked), (ours) => ours.sign(asked, options));
      return shown(latest, voucher.isFirst ? "open" : "voucher", voucher);
    },
  });
  return Object.assign(client, {
    /**
     * The events of an answer that is paid as it comes. Those about payment are dealt with, and not handed on; each
     * event may cost `maxPrice`.
     */
    async *events(answer: Response): AsyncGenerator<string, void> {
      const challenge = latest;
      if (challenge === undefined || answer.body === null)
        throw new Malformed("this session has paid nothing yet");
      const asked = askedFor(challenge);
      // What was paid for and has not come yet: the first event, and then what each voucher was for.
      let due = 1;
      for await (const event of eventsOf(answer.body)) {
        const name = /^event: ?(.*)$/m.exec(event)?.[1];
        if (name === "payment-need-voucher") {
          if (0 < due) {
            const why = "it asks for more before what was paid for has come";
            throw new DemandRefused(why, "demand_refused", "Nothing more was spent");
          }
          const needed = JSON.parse(/^data: ?(.*)$/m.exec(event)?.[1] ?? "{}") as { channelId?: unknown };
          const voucher = await wallet.session(nameOf(options, asked), (ours) =>
            ours.more(asked, needed, options),
          );
          // Where the channel has no more, the stream ends with what was paid for.
          if (voucher === undefined) continue;
          const taken = await told(answer.url, {}, shown(challenge, "voucher", voucher));
          if (taken.status !== 204)
            throw new OutcomeUnknown(`the stream does not go on: status ${taken.status}`);
          due = voucher.events;
        } else if (name === "payment-receipt") {
          return;
        } else {
          if (/^data(:|$)/m.test(event)) due -= 1;
          yield event;
        }
      }
      throw new OutcomeUnknown("the stream broke off: it has no receipt");
    },
    async close(url: string, init: RequestInit = {}): Promise<Money> {
      if (latest === undefined) throw new Malformed("this session has paid nothing yet");
      let challenge = latest;
      return wallet.session(nameOf(options, askedFor(challenge)), async (ours) => {
        for (let turn = 0; turn < CLOSE_TRIES_MAX; turn += 1) {
          const last = await ours.last();
          if (last === undefined) break;
          const answer = await told(url, init, shown(challenge, "close", last));
          if (answer.status === 409 || answer.status === 503) {
            // A call or a stream is about to end.
            await sleep(BACKOFF_MIN_MS * 2 ** turn);
            continue;
          }
          if (answer.status !== 402) break;
          const again = Challenge.fromResponseList(answer).find(isSession);
          if (again === undefined) break;
          challenge = again as SessionChallenge;
          const { standing } = askedFor(challenge);
          // Who says nothing about it knows it no more.
          if (standing === undefined && challenge.id === latest?.id) break;
          if (standing !== undefined) await ours.correct(standing);
        }
        // What it came to is our own server's to say.
        return ours.settled();
      });
    },
  });
}

/** The events of a stream, without their empty lines. */
async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void> {
  let unread = "";
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    unread += piece;
    const events = unread.split(/\r\n\r\n|\n\n|\r\r/);
    unread = events.pop() ?? "";
    yield* events;
  }
}

function nameOf({ session: name }: SessionOptions, { payee }: AskedVoucher): string {
  return name ?? `mpp ${String(payee)}`;
}

function isSession({ method, intent }: { method: string; intent: string }): boolean {
  return method === "toll" && intent === "session";
}

function askedFor({ request }: SessionChallenge): AskedVoucher {
  const details = request.methodDetails ?? {};
  return {
    network: details["network"],
    payee: request.recipient,
    currency: request.currency,
    decimals: details["decimals"],
    authority: details["authority"],
    unit: request.unitType,
    price: request.amount,
    deposit: request.suggestedDeposit,
    standing: details["session"] as AskedVoucher["standing"],
  };
}

function shown(
  challenge: SessionChallenge,
  action: "open" | "voucher" | "close",
  voucher: SignedVoucher,
): string {
  const { channelId, cumulativeAmount, signature } = voucher;
  return Credential.serialize({ challenge, payload: { action, channelId, cumulativeAmount, signature } });
}

async function told(url: string, init: RequestInit, authorization: string): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", authorization);
  try {
    return await fetch(url, { ...init, headers, signal: AbortSignal.timeout(SELLER_TIMEOUT_MS) });
  } catch (fault) {
    throw new OutcomeUnknown(`the seller did not answer: ${reasonOf(fault)}`);
  }
}

function challengeText(authorization: string): string {
  const bytes = fromBase64url(authorization.replace(/^Payment /, ""));
  if (!bytes) throw new Malformed("the challenge cannot be written");
  const { challenge } = JSON.parse(new TextDecoder().decode(bytes)) as { challenge: unknown };
  return JSON.stringify(challenge);
}

/** Who sells, and for what. */
export interface SellerOptions {
  /** The payment service, such as `https://pay.example`. */
  readonly server: string;
  /** The payee's id. */
  readonly payee: string;
  /** What is charged, such as `CNY/2`; amounts are then said as `"0.30 CNY"`. */
  readonly asset: string;
  readonly network: "toll:main" | "toll:test";
}

/** The method `toll` for `Mppx.create` of `mppx/server`: collects at the payment service, each challenge once. */
export function tollSeller({ server, payee, asset, network }: SellerOptions) {
  const { code, scale } = assetParts(asset);
  const { origin } = new URL(server);
  return Method.toServer(method, {
    request({ credential, request }) {
      const echoed = credential?.challenge.request["methodDetails"] as { nonce?: unknown } | undefined;
      return {
        ...request,
        amount: readMoney(request.amount, asset).amount,
        currency: code.toLowerCase(),
        recipient: payee,
        // Two challenges of one second would have one id, and be paid as one, without something that is new.
        methodDetails: {
          authority: origin,
          decimals: scale,
          network,
          nonce: typeof echoed?.nonce === "string" ? echoed.nonce : freshBits(Date.now()),
        },
      };
    },
    async broadcast({ credential }) {
      let answer: Response;
      try {
        answer = await fetch(`${origin}/v1/mpp/settle`, {
          method: "POST",
          headers: { "content-type": "application/json", "tollbridge-version": "2026-11-01" },
          body: JSON.stringify({ authorization: Credential.serialize(credential) }),
          signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
        });
      } catch {
        throw new Errors.VerificationFailedError({ reason: "the payment service did not answer; ask again" });
      }
      const said = (await answer.json()) as { hold?: string; detail?: string };
      if (answer.status !== 201 || said.hold === undefined) {
        throw new Errors.VerificationFailedError({ reason: said.detail ?? `status ${answer.status}` });
      }
      return Receipt.from({
        method: "toll",
        status: "success",
        reference: said.hold,
        timestamp: new Date().toISOString(),
      });
    },
  });
}
