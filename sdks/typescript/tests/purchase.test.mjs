/**
 * Buying behind 402, against a real server and a real gateway: once for each purchase key, whatever happens.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { after, before, beforeEach, test } from "node:test";
import { Client, MemoryStore, Wallet } from "tollbridge";
import { FileStore, readKeyFile } from "tollbridge/files";
import { Door, Stage } from "./stage.mjs";

let stage;
let wallet;
let purchases;
let cheap;
before(async () => {
  stage = await Stage.open();
  cheap = `${stage.gateway}/cheap.txt`;
});
after(() => stage.close());
beforeEach(async () => {
  for (const door of [stage.serverDoor, stage.gatewayDoor])
    [door.before, door.after] = [() => undefined, () => undefined];
  purchases = await mkdtemp(stage.at("purchases-"));
  wallet = await Wallet.open(stage.key, stage.server, { purchases, vkey: stage.vkey });
});

/** What the work cost the wallet, in fen. */
async function cost(work) {
  const left = await stage.left();
  await work();
  return left - (await stage.left());
}

test("what costs nothing is free, and keeps nothing", async () => {
  const { payment, answer } = await wallet.get(`${stage.gateway}/free.txt`, {
    maxPrice: 0n,
    purchase: "free",
  });
  assert.deepEqual([payment.state, answer.status, answer.text()], ["free", 200, "This is free.txt.\n"]);
});

test("a purchase is bought once for its key, and another key buys again", async () => {
  const ids = [];
  const spent = await cost(async () => {
    for (const purchase of ["bread", "bread", "bread", "butter"]) {
      const { payment, answer } = await wallet.get(cheap, { maxPrice: "0.30 CNY", purchase });
      assert.ok(payment.settled().isGood);
      assert.deepEqual(
        [payment.amount, answer.text()],
        [{ amount: "30", asset: "CNY/2" }, "This is cheap.txt.\n"],
      );
      ids.push(payment.id);
    }
  });
  assert.equal(spent, 60);
  assert.equal(new Set(ids.slice(0, 3)).size, 1);
  assert.notEqual(ids[0], ids[3]);
});

test("the receipt of a payment holds against the log's key", async () => {
  const { payment } = await wallet.get(cheap, { maxPrice: "1", purchase: "bread" });
  const receipt = await wallet.receipt(payment);
  assert.equal((await wallet.verify(receipt)).entry, payment.entry);
});

test("asked for by many at once, it is bought once", async () => {
  const store = new FileStore(purchases);
  const by = await readKeyFile(stage.key);
  const others = await Promise.all([1, 2, 3].map(() => Wallet.of(by, stage.server, { purchases: store })));
  const spent = await cost(async () => {
    const bought = await Promise.all(
      [wallet, ...others, wallet, ...others].map((one) =>
        one.get(cheap, { maxPrice: "1", purchase: "bread" }),
      ),
    );
    for (const { payment } of bought)
      assert.deepEqual([payment.isGood, payment.id], [true, bought[0].payment.id]);
  });
  assert.equal(spent, 30);
});

test("a buyer killed between payment and delivery gets what it paid for, and pays nothing twice", async () => {
  const buyer = () =>
    spawn(process.execPath, [
      new URL("buyer.mjs", import.meta.url).pathname,
      stage.key,
      stage.server,
      purchases,
      cheap,
    ]);
  const spent = await cost(async () => {
    const first = buyer();
    stage.gatewayDoor.before = (request) =>
      request.headers["payment-proof"] && first.kill("SIGKILL") ? "lost" : undefined;
    assert.equal(await new Promise((resolve) => first.on("exit", (_, signal) => resolve(signal))), "SIGKILL");
    stage.gatewayDoor.before = () => undefined;
    const second = buyer();
    let said = "";
    for await (const part of second.stdout) said += part;
    const { state, body } = JSON.parse(said);
    assert.ok(["paid", "held"].includes(state), state);
    assert.equal(body, "This is cheap.txt.\n");
  });
  assert.equal(spent, 30);
});

test("a buyer killed before the payment's answer came asks under the same name", async () => {
  const buyer = () =>
    spawn(process.execPath, [
      new URL("buyer.mjs", import.meta.url).pathname,
      stage.key,
      stage.server,
      purchases,
      cheap,
    ]);
  const spent = await cost(async () => {
    const first = buyer();
    stage.serverDoor.after = (request) =>
      request.url === "/v1/a402/pay" && first.kill("SIGKILL") ? "lost" : undefined;
    await new Promise((resolve) => first.on("exit", resolve));
    stage.serverDoor.after = () => undefined;
    let said = "";
    for await (const part of buyer().stdout) said += part;
    assert.equal(JSON.parse(said).body, "This is cheap.txt.\n");
  });
  assert.equal(spent, 30);
});

test("unknown is not failed: asking again goes on with the same payment", async () => {
  const spent = await cost(async () => {
    stage.serverDoor.after = (request) => (request.url === "/v1/a402/pay" ? "lost" : undefined);
    const lost = await wallet.get(cheap, { maxPrice: "1", purchase: "bread" });
    assert.deepEqual(
      [lost.payment.state, lost.payment.code, lost.payment.next],
      ["unknown", "outcome_unknown", "same_id"],
    );
    assert.match(lost.payment.words, /^Nobody can say yet whether 0\.30 CNY was paid/);
    assert.throws(() => lost.payment.settled(), { name: "OutcomeUnknown" });
    stage.serverDoor.after = () => undefined;
    const found = await wallet.get(cheap, { maxPrice: "1", purchase: "bread" });
    assert.deepEqual([found.payment.isGood, found.payment.id], [true, lost.payment.id]);
  });
  assert.equal(spent, 30);
});

test("a server that was killed and started again repeats the same payment", async () => {
  const spent = await cost(async () => {
    const bought = await wallet.get(cheap, { maxPrice: "1", purchase: "bread" });
    // As if the answer to the payment had never been kept.
    const forgetful = new MemoryStore();
    const store = new FileStore(purchases);
    const name =
      Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from("bread"))).toString("base64url") + ".1";
    const attempt = { ...JSON.parse(await store.read(name)), stage: "begun" };
    await forgetful.add(name, JSON.stringify(attempt));
    stage.serverProcess.child.kill("SIGKILL");
    await new Promise((resolve) => stage.serverProcess.child.once("exit", resolve));
    await stage.startServer();
    const again = await Wallet.of(await readKeyFile(stage.key), stage.server, { purchases: forgetful });
    const { payment, answer } = await again.get(cheap, { maxPrice: "1", purchase: "bread" });
    assert.deepEqual([payment.isGood, payment.id, answer.status], [true, bought.payment.id, 200]);
  });
  assert.equal(spent, 30);
});

test("a refusal is a state with a code, and has a receipt; nothing was spent", async () => {
  const spent = await cost(async () => {
    const { payment } = await wallet.get(`${stage.gateway}/denied.txt`, {
      maxPrice: "10 CNY",
      purchase: "bread",
    });
    assert.deepEqual(
      [payment.state, payment.code, payment.next],
      ["denied", "payment_too_large", "ask_owner"],
    );
    assert.match(payment.words, /^Nothing was spent\. /);
    assert.throws(() => payment.settled(), { name: "Refused", code: "payment_too_large" });
    await wallet.verify(await wallet.receipt(payment));
  });
  assert.equal(spent, 0);
});

test("what is not delivered is given back, and the same key buys anew", async () => {
  const ids = new Set();
  const spent = await cost(async () => {
    for (let times = 0; times < 2; times += 1) {
      const { payment } = await wallet.get(`${stage.gateway}/gone.txt`, { maxPrice: "1", purchase: "bread" });
      assert.equal(payment.state, "returned");
      assert.match(payment.words, /^Nothing was spent: 0\.30 CNY went back/);
      assert.throws(() => payment.settled(), {
        name: "NotDelivered",
        code: "not_delivered",
        next: "same_id",
      });
      ids.add(payment.id);
    }
  });
  assert.deepEqual([spent, ids.size], [0, 2]);
});

test("the owner is asked once; after her yes the same key buys", async () => {
  const asked = `${stage.gateway}/asked.txt`;
  const owner = new Client(stage.server, await readKeyFile(stage.ownerKey));
  const spent = await cost(async () => {
    const first = await wallet.get(asked, { maxPrice: "2.00 CNY", purchase: "bread", why: "for breakfast" });
    assert.deepEqual(
      [first.payment.state, first.payment.code, first.payment.next],
      ["asked", "above_amount", "ask_owner"],
    );
    const waiting = await wallet.get(asked, { maxPrice: "2.00 CNY", purchase: "bread" });
    assert.deepEqual([waiting.payment.state, waiting.payment.question], ["asked", first.payment.question]);
    assert.throws(() => waiting.payment.settled(), { name: "OwnerAsked", next: "ask_owner" });
    const { data } = await owner.list("/v1/questions");
    assert.equal(data.filter((one) => one.status === "waiting").length, 1);
    assert.equal(data.find((one) => one.id === first.payment.question).why, "for breakfast");
    await stage.approve(first.payment.question);
    for (let times = 0; times < 2; times += 1) {
      const bought = await wallet.get(asked, { maxPrice: "2.00 CNY", purchase: "bread" });
      assert.deepEqual([bought.payment.isGood, bought.answer.text()], [true, "This is asked.txt.\n"]);
    }
  });
  assert.equal(spent, 200);
});

test("over the highest price nothing is asked for and nothing is spent", async () => {
  let paid = 0;
  stage.serverDoor.before = (request) => void (paid += request.url === "/v1/a402/pay" ? 1 : 0);
  const spent = await cost(() =>
    assert.rejects(wallet.get(cheap, { maxPrice: "0.29 CNY", purchase: "bread" }), {
      name: "TooDear",
      code: "too_dear",
      next: "new_id",
      price: "0.30 CNY",
      message: "Nothing was spent: it costs 0.30 CNY and may cost at most 0.29 CNY.",
    }),
  );
  assert.deepEqual([spent, paid], [0, 0]);
});

test("a purchase key stands for one request", async () => {
  await wallet.get(cheap, { maxPrice: "1", purchase: "bread" });
  const other = wallet.get(`${stage.gateway}/asked.txt`, { maxPrice: "5", purchase: "bread" });
  await assert.rejects(other, { name: "PurchaseFault", code: "purchase_key_reused", next: "new_id" });
  await assert.rejects(wallet.get(cheap, { maxPrice: "1", purchase: "" }), { code: "purchase_key_length" });
});

test("what is kept of a purchase and cannot be read stops it", async () => {
  await wallet.get(cheap, { maxPrice: "1", purchase: "bread" });
  const store = new FileStore(purchases);
  const name =
    Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from("bread"))).toString("base64url") + ".1";
  await store.replace(name, "{");
  await assert.rejects(wallet.get(cheap, { maxPrice: "1", purchase: "bread" }), {
    code: "purchase_damaged",
    next: "stop",
  });
});

test("a demand that was altered, or is for somebody or something else, is not paid", async () => {
  const rows = [
    [(layers) => (layers.protocol.request_fingerprint = `sha-256:${"A".repeat(43)}`), "request_differs"],
    [(layers) => (layers.protocol.request_method = "POST"), "request_differs"],
    [(layers) => (layers.method.psp = "https://pay.example/"), "psp_differs"],
    [(layers) => (layers.method.payee = "pye_00000000000000000000000000"), "demand_refused"],
    [(layers) => (layers.protocol.buyer_unique_id = "somebody"), "demand_refused"],
    [(layers) => (layers.protocol.pay_before = "2026-01-01T00:00:00Z"), "demand_refused"],
    [(layers) => (layers.protocol.replay_window_seconds = 1), "demand_refused"],
    [(layers) => (layers.protocol.method_id = "toll:main/wallet"), "method_unsupported"],
    [(layers) => (layers.method.asset = "CNY/3"), "asset_mismatch"],
    [(layers) => (layers.protocol.amount = "0.301"), "demand_refused"],
  ];
  for (const [alter, code] of rows) {
    const alterNeeded = (_, reply) => {
      const place = reply.rawHeaders.findIndex((header) => header.toLowerCase() === "payment-needed") + 1;
      const layers = JSON.parse(Buffer.from(reply.rawHeaders[place], "base64url").toString());
      alter(layers);
      reply.rawHeaders[place] = Buffer.from(JSON.stringify(layers)).toString("base64url");
    };
    stage.gatewayDoor.after = alterNeeded;
    const spent = await cost(() =>
      assert.rejects(wallet.get(cheap, { maxPrice: "1", purchase: `${alter}` }), { code }),
    );
    assert.equal(spent, 0, code);
  }
  // A price that somebody lowered on the way passes our eyes, and not the payment service's: the seller's
  // signature is over it.
  stage.gatewayDoor.after = (_, reply) => {
    const place = reply.rawHeaders.findIndex((header) => header.toLowerCase() === "payment-needed") + 1;
    const text = Buffer.from(reply.rawHeaders[place], "base64url").toString().replace('"0.30"', '"0.03"');
    reply.rawHeaders[place] = Buffer.from(text).toString("base64url");
  };
  const { payment } = await wallet.get(cheap, { maxPrice: "1", purchase: "lowered" });
  assert.deepEqual([payment.state, payment.code], ["denied", "a402_refused"]);
  // Nothing was recorded under its name, so the true bill is paid under it.
  stage.gatewayDoor.after = () => undefined;
  const bought = await wallet.get(cheap, { maxPrice: "1", purchase: "lowered" });
  assert.deepEqual([bought.payment.isGood, bought.payment.id], [true, payment.id]);
});

test("only chosen sellers are paid", async () => {
  const payees = ["pye_00000000000000000000000000"];
  const picky = await Wallet.open(stage.key, stage.server, { purchases, payees });
  await assert.rejects(picky.get(cheap, { maxPrice: "1", purchase: "bread" }), { code: "payee_not_chosen" });
});

test("what is sold on terms is bought with its quote, and not without", async () => {
  const url = `${stage.gateway}/terms.json`;
  stage.gatewayDoor.after = (_, reply) => {
    const place = reply.rawHeaders.findIndex((header) => header.toLowerCase() === "tollbridge-quote");
    if (0 <= place) reply.rawHeaders.splice(place, 2);
  };
  await assert.rejects(wallet.get(url, { maxPrice: "1", purchase: "terms" }), { code: "quote_missing" });
  stage.gatewayDoor.after = (_, reply) => {
    const place = reply.rawHeaders.findIndex((header) => header.toLowerCase() === "tollbridge-quote") + 1;
    const text = Buffer.from(reply.rawHeaders[place], "base64url").toString().replace("1000000", "0000001");
    reply.rawHeaders[place] = Buffer.from(text.replace("0000001", "1")).toString("base64url");
  };
  await assert.rejects(wallet.get(url, { maxPrice: "1", purchase: "terms" }), { code: "quote_foreign" });
  stage.gatewayDoor.after = () => undefined;
  const { payment, answer } = await wallet.get(url, { maxPrice: "1", purchase: "terms" });
  assert.deepEqual([payment.isGood, answer.json()], [true, { rows: [1] }]);
  assert.ok(answer.headers.has("tollbridge-evaluation"));
});

test("sellers and servers that do not answer are told apart, and from unknown", async () => {
  const gone = await Door.open();
  await gone.close();
  const silent = wallet.get(gone.url, { maxPrice: "1", purchase: "bread" });
  await assert.rejects(silent, { name: "SellerSilent", next: "same_id", message: /^Nothing was spent: / });
  const by = await readKeyFile(stage.key);
  await assert.rejects(Wallet.of(by, gone.url, { purchases: new MemoryStore() }), {
    name: "Unreachable",
    code: "unreachable",
  });
  for (const address of [
    "",
    "pay.example",
    "ftp://pay.example",
    "http://pay.example/api",
    "http://pay.example/?a=1",
  ]) {
    assert.throws(() => new Client(address, by), { name: "Malformed" }, address);
  }
});

test("a float is refused before anything is sent", async () => {
  await assert.rejects(wallet.get(cheap, { maxPrice: 0.3, purchase: "bread" }), { code: "float_refused" });
  await assert.rejects(wallet.pay(stage.payee, 0.3), { code: "float_refused" });
});
