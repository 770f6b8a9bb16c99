/** The official package of the `Payment` scheme for JavaScript: its client at our gateway, and its server. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Mppx } from "mppx/client";
import { Mppx as MppxServer, Request as MppxRequest } from "mppx/server";
import { Receipt } from "mppx";
import { MemoryStore, Wallet } from "tollbridge";
import { toll, tollSeller, tollSession } from "tollbridge/mpp";
import { FileStore } from "tollbridge/files";
import { Stage } from "../stage.mjs";
import { documented, documentedSession, rejection, remembering, serving, spent, trial } from "./trials.mjs";

const stage = await Stage.open();
const open = () => Wallet.open(stage.key, stage.server, { purchases: new MemoryStore() });
const page = (name) => `${stage.gateway}/${name}`;

async function buyer(options = {}, through = fetch) {
  const methods = [toll(await open(), { maxPrice: "10.00 CNY", ...options })];
  return Mppx.create({ methods, fetch: through, polyfill: false }).fetch;
}

/** What a paid answer says: it has the page, and a receipt. */
async function delivered(answer, text) {
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), text);
  const receipt = Receipt.fromResponse(answer);
  assert.deepEqual([receipt.status, receipt.method], ["success", "toll"]);
  return receipt.reference;
}

const CLIENT = "mppx client → gateway";
const SERVER = "mppx client → mppx server → /v1/mpp/settle";
const CHEAP = "This is cheap.txt.\n";
await trial(CLIENT, "pays once, to the fen", async () => {
  const buy = await buyer();
  const cost = await spent(stage, async () => delivered(await buy(page("cheap.txt")), CHEAP));
  assert.equal(cost, 30);
});
await trial(CLIENT, "the same proof again: the same answer, and nothing moves", async () => {
  const seen = remembering("authorization");
  const first = await delivered(await (await buyer({}, seen))(page("cheap.txt")), CHEAP);
  const cost = await spent(stage, async () =>
    assert.equal(await delivered(await seen.again(), CHEAP), first),
  );
  assert.equal(cost, 0);
});
await trial(
  CLIENT,
  "the proof for one page shown for another: refused, and nothing is delivered",
  async () => {
    const seen = remembering("authorization");
    await delivered(await (await buyer({}, seen))(page("cheap.txt")), CHEAP);
    const headers = { authorization: seen.last.headers.get("authorization") };
    const cost = await spent(stage, async () => {
      const answer = await fetch(page("asked.txt"), { headers });
      assert.equal(answer.status, 402);
      assert.doesNotMatch(await answer.text(), /This is/);
    });
    assert.equal(cost, 0);
  },
);
await trial(CLIENT, "over the agent's limit: denied, and nothing is spent", async () => {
  const buy = await buyer();
  const cost = await spent(stage, async () => {
    const why = await rejection(buy(page("denied.txt")));
    assert.deepEqual([why.name, why.code], ["Refused", "payment_too_large"]);
    assert.match(why.message, /^Nothing was spent/);
  });
  assert.equal(cost, 0);
});
await trial(CLIENT, "above the owner's line: she is asked, and nothing is spent", async () => {
  const buy = await buyer();
  const cost = await spent(stage, async () => {
    const why = await rejection(buy(page("asked.txt")));
    assert.deepEqual([why.name, why.next], ["OwnerAsked", "ask_owner"]);
  });
  assert.equal(cost, 0);
});
await trial(CLIENT, "above the cap: refused before we are asked", async () => {
  const buy = await buyer({ maxPrice: "0.29 CNY" });
  const cost = await spent(stage, async () =>
    assert.equal((await rejection(buy(page("cheap.txt")))).name, "TooDear"),
  );
  assert.equal(cost, 0);
});
await trial(CLIENT, "four clients at once: four payments", async () => {
  const buyers = await Promise.all([1, 2, 3, 4].map(() => buyer()));
  const cost = await spent(stage, async () => {
    const buying = buyers.map(async (buy) => delivered(await buy(page("cheap.txt")), CHEAP));
    assert.equal(new Set(await Promise.all(buying)).size, 4);
  });
  assert.equal(cost, 120);
});

// A shop of somebody else, that collects at our server.
const seller = tollSeller({ server: stage.server, payee: stage.payee, asset: "CNY/2", network: "toll:test" });
const shop = MppxServer.create({
  methods: [seller],
  realm: "shop.example",
  secretKey: "a secret of the shop, for trials only",
});
// The same for all, so that nothing but our method tells two challenges apart.
const expires = new Date(Date.now() + 600_000).toISOString();
const sell = MppxRequest.toNodeListener(async (request) => {
  const came = await shop.charge({ amount: "0.40 CNY", expires })(request);
  return came.status === 402 ? came.challenge : came.withReceipt(new Response("sunny"));
});

await serving(createServer(sell), async (url) => {
  await trial(SERVER, "pays once, to the fen", async () => {
    const buy = await buyer();
    const cost = await spent(stage, async () => {
      const reference = await delivered(await buy(url), "sunny");
      assert.equal((await (await open()).client.get(`/v1/holds/${reference}`)).status, "captured");
    });
    assert.equal(cost, 40);
  });
  await trial(SERVER, "the same proof again: refused, and nothing moves", async () => {
    const seen = remembering("authorization");
    await delivered(await (await buyer({}, seen))(url), "sunny");
    const cost = await spent(stage, async () => assert.equal((await seen.again()).status, 402));
    assert.equal(cost, 0);
  });
  await trial(SERVER, "four at once from one wallet: four payments", async () => {
    const buy = await buyer();
    const cost = await spent(stage, async () => {
      const buying = [1, 2, 3, 4].map(async () => delivered(await buy(url), "sunny"));
      assert.equal(new Set(await Promise.all(buying)).size, 4);
    });
    assert.equal(cost, 160);
  });
});

const SESSION = "mppx client, by session → gateway";
const TICKS = "This is ticks.txt.\n";

/** A session of a wallet of its own, or of one that keeps what it knows in `purchases`. */
async function session(options = {}, purchases = new MemoryStore(), through = fetch) {
  const wallet = await Wallet.open(stage.key, stage.server, { purchases });
  const ours = tollSession(wallet, {
    maxPrice: "0.001 CNY",
    cap: "0.50 CNY",
    deposit: "0.50 CNY",
    ...options,
  });
  const buy = Mppx.create({ methods: [ours], fetch: through, polyfill: false }).fetch;
  const tick = async (times = 1) => {
    for (let call = 0; call < times; call += 1) await delivered(await buy(page("ticks.txt")), TICKS);
  };
  return { tick, buy, events: ours.events, close: (url = page("ticks.txt")) => ours.close(url) };
}

await trial(SESSION, "pays 25 calls of a tenth of a fen, to the fen, and the rest comes back", async () => {
  const { tick, close } = await session();
  const cost = await spent(stage, async () => {
    assert.equal(await spent(stage, () => tick()), 50);
    assert.equal(await spent(stage, () => tick(24)), 0);
    assert.deepEqual(await close(), { amount: "3", asset: "CNY/2" });
  });
  assert.equal(cost, 3);
});
await trial(SESSION, "the same voucher again: the same answer, and nothing moves", async () => {
  const seen = remembering("authorization");
  const { tick, close } = await session({}, new MemoryStore(), seen);
  await tick(5);
  for (let times = 0; times < 3; times += 1) await delivered(await seen.again(), TICKS);
  assert.equal((await close()).amount, "1");
});
await trial(
  SESSION,
  "a voucher for less, or for another page: refused, and nothing is delivered",
  async () => {
    const seen = remembering("authorization");
    const { tick, close } = await session({}, new MemoryStore(), seen);
    await tick(1);
    const smaller = seen.last.clone();
    await tick(4);
    const headers = { authorization: seen.last.headers.get("authorization") };
    for (const answer of [await fetch(smaller), await fetch(page("ticks.txt?again"), { headers })]) {
      const said = await answer.json();
      const type = "https://paymentauth.org/problems/session/insufficient-balance";
      assert.deepEqual([answer.status, said.code, said.type], [402, "voucher_total", type]);
    }
    assert.equal((await close()).amount, "1");
  },
);
await trial(
  SESSION,
  "over the cap: the call beyond it is refused, and nothing more is set aside",
  async () => {
    const { tick, buy, close } = await session({ cap: "0.10 CNY", deposit: "0.10 CNY" });
    await tick(100);
    const cost = await spent(stage, async () => {
      const why = await rejection(buy(page("ticks.txt")));
      assert.deepEqual([why.name, why.code], ["DemandRefused", "cap_reached"]);
      assert.match(why.message, /^Nothing was spent/);
    });
    assert.equal(cost, 0);
    assert.equal((await close()).amount, "10");
  },
);
await trial(SESSION, "dearer than a call may be: refused before we are asked", async () => {
  const { buy } = await session({ maxPrice: "0.00099 CNY" });
  const cost = await spent(stage, async () =>
    assert.equal((await rejection(buy(page("ticks.txt")))).name, "TooDear"),
  );
  assert.equal(cost, 0);
});
await trial(
  SESSION,
  "a channel over the agent's limit: denied; above the owner's line: she is asked",
  async () => {
    const cost = await spent(stage, async () => {
      const denied = await session({ cap: "9.00 CNY", deposit: "6.00 CNY" });
      const why = await rejection(denied.buy(page("ticks.txt")));
      assert.deepEqual([why.name, why.code], ["Refused", "payment_too_large"]);
      const asked = await session({ cap: "9.00 CNY", deposit: "2.00 CNY" });
      assert.equal((await rejection(asked.buy(page("ticks.txt")))).name, "OwnerAsked");
    });
    assert.equal(cost, 0);
  },
);
await trial(SESSION, "the owner's yes opens the channel that she was asked about", async () => {
  const { tick, buy, close } = await session({ cap: "2.00 CNY", deposit: "2.00 CNY" });
  const { question } = await rejection(buy(page("ticks.txt")));
  await stage.approve(question);
  assert.equal(await spent(stage, () => tick(10)), 200);
  assert.equal((await close()).amount, "1");
});
await trial(SESSION, "a gateway that is killed in mid-session: nothing is counted twice", async () => {
  const { tick, close } = await session();
  for (let life = 0; life < 3; life += 1) {
    await tick(5);
    await stage.killGateway();
  }
  await tick(5);
  assert.equal((await close()).amount, "2");
});
await trial(SESSION, "a program that died: the next one goes on with its channel", async () => {
  const purchases = new FileStore(stage.at("sessions"));
  const cost = await spent(stage, async () => {
    for (let life = 0; life < 4; life += 1) await (await session({}, purchases)).tick(5);
    const last = await session({}, purchases);
    await last.tick(5);
    assert.equal((await last.close()).amount, "3");
  });
  assert.equal(cost, 3);
});

/** Streams numbered events, and sees to it that none is sent twice. */
function feed(count) {
  return createServer((_, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream" });
    for (let number = 1; number <= count; number += 1) answer.write(`data: ${number}\n\n`);
    answer.end();
  });
}

await serving(feed(100), async (behind) => {
  const url = await stage.openFeed(behind);
  const heard = async (answer, events) => {
    const found = [];
    for await (const event of events(answer)) found.push(Number(event.replace("data: ", "")));
    return found;
  };
  const upTo = (count) => Array.from({ length: count }, (_, place) => place + 1);
  await trial(SESSION, "a stream of 100 events: each is paid before it leaves, to the fen", async () => {
    const { buy, events, close } = await session();
    const cost = await spent(stage, async () => {
      assert.deepEqual(await heard(await buy(url), events), upTo(100));
      assert.equal((await close(url)).amount, "10");
    });
    assert.equal(cost, 10);
  });
  await trial(SESSION, "a stream that nobody pays for any more: nothing more of it leaves", async () => {
    const { buy, close } = await session();
    const answer = await buy(url);
    const reader = answer.body.getReader();
    let said = "";
    while (!said.includes("payment-need-voucher")) {
      said += Buffer.from((await reader.read()).value).toString();
    }
    assert.deepEqual(said.match(/^data: \d+$/gm), ["data: 1"]);
    await reader.cancel();
    assert.equal((await close(url)).amount, "0");
  });
  await trial(SESSION, "a stream that asks for more before what was paid for has come: it gets no voucher", async () => {
    const { buy, events, close } = await session();
    const answer = await buy(url);
    // Somebody on the way keeps the first event for himself.
    const keeping = new TransformStream({
      transform: (piece, onward) => onward.enqueue(Buffer.from(Buffer.from(piece).toString().replace("data: 1\n\n", ""))),
    });
    const robbed = new Response(answer.body.pipeThrough(keeping), { headers: answer.headers });
    await assert.rejects(heard(robbed, events), { code: "demand_refused" });
    assert.equal((await close(url)).amount, "0");
  });
});

/** What the official checker of sellers says, and how it ended. */
async function validate(url) {
  const program = fileURLToPath(new URL("bin.js", import.meta.resolve("mppx")));
  try {
    return {
      status: 0,
      said: (await promisify(execFile)(process.execPath, [program, "validate", url])).stdout,
    };
  } catch (fault) {
    return { status: fault.code, said: `${fault.stdout}${fault.stderr}` };
  }
}

const VALIDATE = "mppx validate → gateway";
await trial(VALIDATE, "what is published is what is asked", async () => {
  const { status, said } = await validate(stage.gateway);
  assert.equal(status, 0, said);
});

await documented(stage, "mpp.md", {
  client: CLIENT,
  server: SERVER,
  buy: async (url) => delivered(await (await buyer())(url), "sunny"),
});
await documentedSession(stage, "mpp.md", { client: SESSION, place: 2 });
await stage.close();
