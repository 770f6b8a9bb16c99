/**
 * The `Payment` scheme with the official package `mppx`: the method `toll`, intent `charge`, for its client and for its
 * server.
 */

import { Credential, Errors, Method, Receipt, z } from "mppx";
import type { BillOptions } from "./bill.js";
import { base64url, fromBase64url, sha256, utf8 } from "./bytes.js";
import { Malformed } from "./errors.js";
import { freshBits } from "./ids.js";
import { TRY_TIMEOUT_MS } from "./limits.js";
import { assetParts, readMoney } from "./money.js";
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
