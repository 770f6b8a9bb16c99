/** What our plug-ins are by type is what the official packages ask for by type. Nothing here is run. */

import { x402Client } from "@x402/fetch";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import { Mppx } from "mppx/client";
import { Mppx as MppxServer } from "mppx/server";
import type { Wallet } from "tollbridge";
import { toll, tollSeller, tollSession } from "tollbridge/mpp";
import { facilitator, register, TollSeller } from "tollbridge/x402";

export function buyers(wallet: Wallet) {
  const client: x402Client = register(new x402Client(), wallet, { maxPrice: "0.50 CNY" });
  const mppx = Mppx.create({ methods: [toll(wallet, { maxPrice: "0.50 CNY" })], polyfill: false });
  const session = tollSession(wallet, { maxPrice: "0.001 CNY", cap: "1.00 CNY" });
  const byVoucher = Mppx.create({ methods: [session], polyfill: false });
  return { client, mppx, byVoucher, end: session.close("https://shop.example") };
}

export function sellers(server: string, payee: string) {
  const resources = new x402ResourceServer(new HTTPFacilitatorClient(facilitator(server)));
  resources.register("toll:test", new TollSeller(server, "CNY/2"));
  const accepts = { scheme: "exact", network: "toll:test", payTo: payee, price: "0.40 CNY" } as const;
  const middleware = paymentMiddleware({ "GET /weather": { accepts } }, resources);
  const method = tollSeller({ server, payee, asset: "CNY/2", network: "toll:test" });
  const mppx = MppxServer.create({ methods: [method], secretKey: "a secret" });
  return { middleware, charge: mppx.charge({ amount: "0.40 CNY" }) };
}
