/** The official x402 packages for JavaScript: their client at our gateway, and their server with us as facilitator. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import express from "express";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { MemoryStore, Wallet } from "tollbridge";
import { facilitator, paymentSignature, register, TollSeller } from "tollbridge/x402";
import { Stage } from "../stage.mjs";
import { documented, rejection, remembering, serving, spent, taken, trial } from "./trials.mjs";

const stage = await Stage.open();
const open = () => Wallet.open(stage.key, stage.server, { purchases: new MemoryStore() });
const client = async (options) =>
  register(new x402Client(), await open(), { maxPrice: "10.00 CNY", ...options });
const page = (name) => `${stage.gateway}/${name}`;

/** What a paid answer says: it has the page, and the money was taken. */
async function delivered(answer, text) {
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), text);
  const said = decodePaymentResponseHeader(answer.headers.get("payment-response"));
  assert.equal(said.success, true);
  assert.equal(said.network, "toll:test");
  return said.transaction;
}

const FETCH = "@x402/fetch → gateway";
const EXPRESS = "@x402/fetch → @x402/express → facilitator";
const PAY = "tollbridge pay → @x402/express → facilitator";
await trial(FETCH, "pays once, to the fen", async () => {
  const buy = wrapFetchWithPayment(fetch, await client());
  const cost = await spent(stage, async () =>
    delivered(await buy(page("cheap.txt")), "This is cheap.txt.\n"),
  );
  assert.equal(cost, 30);
});
await trial(FETCH, "the same proof again: the same answer, and nothing moves", async () => {
  const seen = remembering("payment-signature");
  const first = await delivered(
    await wrapFetchWithPayment(seen, await client())(page("cheap.txt")),
    "This is cheap.txt.\n",
  );
  const cost = await spent(stage, async () =>
    assert.equal(await delivered(await seen.again(), "This is cheap.txt.\n"), first),
  );
  assert.equal(cost, 0);
});
await trial(
  FETCH,
  "the proof for one page shown for another: refused, and nothing is delivered",
  async () => {
    const seen = remembering("payment-signature");
    await delivered(
      await wrapFetchWithPayment(seen, await client())(page("cheap.txt")),
      "This is cheap.txt.\n",
    );
    const headers = { "payment-signature": seen.last.headers.get("payment-signature") };
    const cost = await spent(stage, async () => {
      const answer = await fetch(page("asked.txt"), { headers });
      assert.equal(answer.status, 402);
      assert.doesNotMatch(await answer.text(), /This is/);
    });
    assert.equal(cost, 0);
  },
);
await trial(FETCH, "over the agent's limit: denied, and nothing is spent", async () => {
  let why;
  const buy = wrapFetchWithPayment(fetch, await client({ onRefused: (fault) => (why = fault) }));
  const cost = await spent(stage, async () =>
    assert.match((await rejection(buy(page("denied.txt")))).message, /Nothing was spent/),
  );
  assert.deepEqual([cost, why.code, why.name], [0, "payment_too_large", "Refused"]);
});
await trial(FETCH, "above the owner's line: she is asked, and nothing is spent", async () => {
  let why;
  const buy = wrapFetchWithPayment(fetch, await client({ onRefused: (fault) => (why = fault) }));
  const cost = await spent(stage, async () =>
    assert.match((await rejection(buy(page("asked.txt")))).message, /Nothing was spent: the owner is asked/),
  );
  assert.deepEqual([cost, why.name, why.next], [0, "OwnerAsked", "ask_owner"]);
});
await trial(
  FETCH,
  "above the cap: the client's own spend control refuses, and we are not asked",
  async () => {
    let asked = 0;
    stage.serverDoor.before = (request) => void (asked += request.url.startsWith("/v1/x402/pay") ? 1 : 0);
    const buy = wrapFetchWithPayment(fetch, await client({ maxPrice: "0.29 CNY" }));
    assert.match((await rejection(buy(page("cheap.txt")))).message, /spendControls/);
    stage.serverDoor.before = () => undefined;
    assert.equal(asked, 0);
  },
);
await trial(FETCH, "four clients at once: four payments", async () => {
  const clients = await Promise.all([1, 2, 3, 4].map(() => client()));
  const cost = await spent(stage, async () => {
    const buying = clients.map(async (one) =>
      delivered(await wrapFetchWithPayment(fetch, one)(page("cheap.txt")), "This is cheap.txt.\n"),
    );
    assert.equal(new Set(await Promise.all(buying)).size, 4);
  });
  assert.equal(cost, 120);
});
await trial(FETCH, "a lost answer of ours: asked again, paid once", async () => {
  let lost = 0;
  stage.serverDoor.after = (request) =>
    request.url === "/v1/x402/pay" && (lost += 1) === 1 ? "lost" : undefined;
  const buy = wrapFetchWithPayment(fetch, await client());
  const cost = await spent(stage, async () =>
    delivered(await buy(page("cheap.txt")), "This is cheap.txt.\n"),
  );
  stage.serverDoor.after = () => undefined;
  assert.deepEqual([cost, lost], [30, 2]);
});
await trial(
  FETCH,
  "`upto`, a price by the byte: held in full, and only what it came to is taken",
  async () => {
    const buy = wrapFetchWithPayment(fetch, await client());
    const text = "This is counted.txt.\n";
    const cost = await spent(stage, async () =>
      taken(await open(), await delivered(await buy(page("counted.txt")), text)),
    );
    assert.equal(cost, text.length);
  },
);
await trial("tollbridge/x402 → gateway", "pays once, to the fen", async () => {
  const wallet = await open();
  const required = (await fetch(page("cheap.txt"))).headers.get("payment-required");
  const cost = await spent(stage, async () => {
    for (let times = 0; times < 2; times += 1) {
      const signature = await paymentSignature(wallet, required, { maxPrice: "0.30 CNY" });
      await delivered(
        await fetch(page("cheap.txt"), { headers: { "payment-signature": signature } }),
        "This is cheap.txt.\n",
      );
    }
  });
  assert.equal(cost, 30);
});

// A shop of somebody else, with our server as its facilitator.
const shop = express();
const resources = new x402ResourceServer(new HTTPFacilitatorClient(facilitator(stage.server)));
resources.register("toll:test", new TollSeller(stage.server, "CNY/2"));
const accepts = { scheme: "exact", network: "toll:test", payTo: stage.payee, price: "0.40 CNY" };
const map = { accepts: { ...accepts, price: "2.00 CNY" }, description: "A map" };
shop.use(
  paymentMiddleware({ "GET /weather": { accepts, description: "Weather" }, "GET /map": map }, resources),
);
shop.get("/weather", (_, answer) => answer.send("sunny"));
shop.get("/map", (_, answer) => answer.send("here be dragons"));

await serving(createServer(shop), async (address) => {
  const url = `${address}/weather`;
  await trial(EXPRESS, "pays once, to the fen", async () => {
    const buy = wrapFetchWithPayment(fetch, await client());
    let told;
    stage.serverDoor.before = (request, body) =>
      void (told = request.url === "/v1/x402/pay" ? JSON.parse(body) : told);
    const cost = await spent(stage, async () => {
      const transaction = await delivered(await buy(url), "sunny");
      assert.equal((await (await open()).client.get(`/v1/holds/${transaction}`)).status, "captured");
    });
    stage.serverDoor.before = () => undefined;
    assert.equal(told.resource, url);
    assert.equal(cost, 40);
  });
  await trial(EXPRESS, "the same proof again: refused, and nothing moves", async () => {
    const seen = remembering("payment-signature");
    await delivered(await wrapFetchWithPayment(seen, await client())(url), "sunny");
    const cost = await spent(stage, async () => assert.equal((await seen.again()).status, 402));
    assert.equal(cost, 0);
  });
  await trial(EXPRESS, "four at once from one wallet: four payments", async () => {
    const buy = wrapFetchWithPayment(fetch, await client());
    const cost = await spent(stage, async () => {
      const buying = [1, 2, 3, 4].map(async () => delivered(await buy(url), "sunny"));
      assert.equal(new Set(await Promise.all(buying)).size, 4);
    });
    assert.equal(cost, 160);
  });
  await trial("tollbridge/x402 → @x402/express → facilitator", "pays once, to the fen", async () => {
    const required = (await fetch(url)).headers.get("payment-required");
    const cost = await spent(stage, async () => {
      const signature = await paymentSignature(await open(), required, { maxPrice: "0.40 CNY" });
      await delivered(await fetch(url, { headers: { "payment-signature": signature } }), "sunny");
    });
    assert.equal(cost, 40);
  });
  const pay = async (path, purchase, maxPrice) => {
    const places = ["--key", stage.key, "--wallet", stage.wallet, "--purchases", stage.at("purchases")];
    return stage.tried("pay", `${address}/${path}`, ...places, "--purchase", purchase, "--max-price", maxPrice);
  };
  await trial(PAY, "pays once for each purchase key, to the fen", async () => {
    const cost = await spent(stage, async () => {
      assert.deepEqual(await pay("weather", "today", "0.40 CNY"), { status: 0, said: "sunny" });
      // The seller delivers once; what was bought is not bought again.
      assert.notEqual((await pay("weather", "today", "0.40 CNY")).said, "sunny");
      assert.deepEqual(await pay("weather", "tomorrow", "0.40 CNY"), { status: 0, said: "sunny" });
    });
    assert.equal(cost, 80);
  });
  await trial(PAY, "above its own price: nothing is sent, and nothing is spent", async () => {
    const cost = await spent(stage, async () => {
      const dear = await pay("weather", "dear", "0.39 CNY");
      assert.match(dear.said, /may cost at most/);
      assert.notEqual(dear.status, 0);
    });
    assert.equal(cost, 0);
  });
  await trial(PAY, "above the owner's line: she is asked, and her yes pays just that", async () => {
    const cost = await spent(stage, async () => {
      const asked = await pay("map", "map", "2.00 CNY");
      assert.equal(asked.status, 4);
      await stage.approve(asked.said.match(/hld_[0-9A-Z]{26}/)[0]);
      assert.deepEqual(await pay("map", "map", "2.00 CNY"), { status: 0, said: "here be dragons" });
    });
    assert.equal(cost, 200);
  });
  await trial(
    EXPRESS,
    "a proof whose signature is another: refused, and the true one still pays",
    async () => {
      const required = (await fetch(url)).headers.get("payment-required");
      const signature = await paymentSignature(await open(), required, { maxPrice: "0.40 CNY" });
      const shown = JSON.parse(Buffer.from(signature, "base64").toString());
      const statement = Buffer.from(shown.payload.credential, "base64url").toString();
      // A signature of Ed25519 has 86 characters; its first may be any.
      const other = statement.replace(
        /"([\w-])([\w-]{85})"/,
        (_, first, rest) => `"${first === "A" ? "B" : "A"}${rest}"`,
      );
      assert.notEqual(other, statement);
      shown.payload.credential = Buffer.from(other).toString("base64url");
      const forged = Buffer.from(JSON.stringify(shown)).toString("base64");
      assert.equal((await fetch(url, { headers: { "payment-signature": forged } })).status, 402);
      await delivered(await fetch(url, { headers: { "payment-signature": signature } }), "sunny");
    },
  );
  await trial(
    EXPRESS,
    "a proof for one price shown for another: refused, and the seller gets nothing",
    async () => {
      const required = (await fetch(page("cheap.txt"))).headers.get("payment-required");
      const signature = await paymentSignature(await open(), required, { maxPrice: "0.30 CNY" });
      const shown = JSON.parse(Buffer.from(signature, "base64").toString());
      const asked = JSON.parse(
        Buffer.from((await fetch(url)).headers.get("payment-required"), "base64").toString(),
      );
      shown.accepted = asked.accepts[0];
      const forged = Buffer.from(JSON.stringify(shown)).toString("base64");
      assert.equal((await fetch(url, { headers: { "payment-signature": forged } })).status, 402);
    },
  );
});

await documented(stage, "x402.md", {
  client: FETCH,
  server: EXPRESS,
  buy: async (url) => delivered(await wrapFetchWithPayment(fetch, await client())(url), "sunny"),
});
await stage.close();
