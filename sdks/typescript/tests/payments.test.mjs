/** Payments that are made at once, limits, sellers and receipts, against a real server. */

import assert from "node:assert/strict";
import { readFile, chmod, copyFile, writeFile } from "node:fs/promises";
import { after, before, beforeEach, test } from "node:test";
import { MemoryStore, Seller, Wallet, verifyReceipt } from "tollbridge";
import { Stage } from "./stage.mjs";

let stage;
let wallet;
before(async () => {
  stage = await Stage.open();
});
after(() => stage.close());
beforeEach(async () => {
  for (const door of [stage.serverDoor, stage.gatewayDoor])
    [door.before, door.after] = [() => undefined, () => undefined];
  wallet = await Wallet.open(stage.key, stage.server, { purchases: new MemoryStore(), vkey: stage.vkey });
});

/** Counts the requests that bring payments. */
function countArrays() {
  const counted = { requests: 0, payments: [] };
  stage.serverDoor.before = (request, body) => {
    if (request.method !== "POST" || request.url !== "/v1/payments") return;
    counted.requests += 1;
    counted.payments.push(JSON.parse(body).length);
  };
  return counted;
}

test("payments that are asked together travel together, 1,000 at most", async () => {
  const left = await stage.left();
  const counted = countArrays();
  const paid = await wallet.payAll(Array.from({ length: 2_500 }, () => [stage.payee, 1n]));
  assert.ok(paid.every((payment) => payment.state === "paid"));
  assert.equal(new Set(paid.map((payment) => payment.entry)).size, 2_500);
  assert.equal(left - (await stage.left()), 2_500);
  assert.ok(counted.requests <= 4, `${counted.requests} requests`);
  assert.ok(counted.payments.every((count) => count <= 1_000));
});

test("what the arrays gain is measured", async () => {
  const rate = async (count, work) => {
    const started = performance.now();
    await work(count);
    return Math.round((count * 1_000) / (performance.now() - started));
  };
  const alone = await rate(300, async (count) => {
    for (let number = 0; number < count; number += 1) await wallet.pay(stage.payee, 1n);
  });
  const together = await rate(3_000, (count) =>
    wallet.payAll(Array.from({ length: count }, () => [stage.payee, 1n])),
  );
  console.log(`payments a second through one wallet: ${alone} one after the other, ${together} together`);
  assert.ok(alone < together, `${alone} alone, ${together} together`);
});

test("one answer of an array does not speak for the others", async () => {
  const amounts = ["0.01", "2.00", "6.00", "0.02"];
  const paid = await wallet.payAll(amounts.map((amount) => [stage.payee, amount]));
  assert.deepEqual(
    paid.map((payment) => payment.state),
    ["paid", "asked", "denied", "paid"],
  );
  assert.deepEqual(
    paid.map((payment) => payment.code),
    [undefined, "above_amount", "payment_too_large", undefined],
  );
});

test("a payment with a key is made once, also where its answer got lost", async () => {
  const left = await stage.left();
  const counted = countArrays();
  stage.serverDoor.after = (request) => (request.url === "/v1/payments" ? "lost" : undefined);
  const lost = await wallet.pay(stage.payee, "0.10 CNY", { purchase: "invoice-42" });
  assert.deepEqual([lost.state, counted.requests], ["unknown", 5]);
  stage.serverDoor.after = () => undefined;
  for (let times = 0; times < 2; times += 1) {
    const paid = await wallet.pay(stage.payee, "0.10 CNY", { purchase: "invoice-42" });
    assert.deepEqual([paid.state, paid.id], ["paid", lost.id]);
    await wallet.receipt(paid);
  }
  assert.equal(left - (await stage.left()), 10);
  const other = wallet.pay(stage.payee, "0.11 CNY", { purchase: "invoice-42" });
  await assert.rejects(other, { code: "purchase_key_reused" });
});

test("a payment with a key asked for by many at once is made once", async () => {
  const left = await stage.left();
  const paid = await Promise.all(
    [1, 2, 3, 4].map(() => wallet.pay(stage.payee, "0.10", { purchase: "invoice-43" })),
  );
  assert.equal(new Set(paid.map((payment) => payment.id)).size, 1);
  assert.equal(left - (await stage.left()), 10);
});

test("what is kept of a payment is the same in every language", async () => {
  const { purchase, name, payee, price, kept } = (await vectors()).attempt;
  const purchases = new MemoryStore();
  const ours = await Wallet.open(stage.key, stage.server, { purchases });
  await purchases.add(name, JSON.stringify(kept));
  const counted = countArrays();
  const payment = await ours.pay(payee, price, { purchase });
  assert.deepEqual(
    [payment.state, payment.id, payment.entry, counted.requests],
    ["paid", kept.id, kept.entry, 0],
  );
  const store = {
    read: async () => undefined,
    add: async () => true,
    replace: async (_, text) => void (written = JSON.parse(text)),
  };
  let written = {};
  const other = await Wallet.open(stage.key, stage.server, { purchases: store });
  await other.pay(stage.payee, price, { purchase });
  assert.deepEqual(Object.keys(written).sort(), Object.keys(kept).sort());
});

test("what makes no sense is an error with a code", async () => {
  const nobody = wallet.pay("pye_00000000000000000000000000", "0.10", { purchase: "invoice-44" });
  await assert.rejects(nobody, {
    name: "Refused",
    code: "payee_unknown",
    next: "new_id",
    message: /^Nothing was done/,
  });
  await assert.rejects(wallet.pay(stage.payee, "0.10 USD"), { code: "asset_mismatch" });
});

test("a session that the server no longer takes is opened anew", async () => {
  let opened = 0;
  stage.serverDoor.before = (request) => {
    if (request.url === "/v1/sessions") opened += 1;
    else if (opened === 0) request.headers.authorization = "Toll ses_x:1:AAAA";
  };
  assert.equal((await wallet.pay(stage.payee, "0.01")).state, "paid");
  assert.equal(opened, 1);
});

test("an agent pays under its newest mandate", async () => {
  const words = ["--wallet", stage.wallet, "--agent", stage.agent, "--per-payment", "0.05"];
  const mandate = (await stage.run("mandate", "create", "--key", stage.ownerKey, ...words))
    .split(" ")[0]
    .trim();
  const bound = await Wallet.open(stage.key, stage.server, { purchases: new MemoryStore() });
  assert.deepEqual((await bound.limits()).mandate?.limits, [{ kind: "per_payment", max: "5" }]);
  assert.deepEqual(
    [(await bound.pay(stage.payee, "0.05")).state, (await bound.pay(stage.payee, "0.06")).state],
    ["paid", "denied"],
  );
  await stage.run("revoke", "--yes", "--key", stage.ownerKey, mandate);
});

test("limits say what may be spent", async () => {
  const limits = await wallet.limits();
  assert.equal(limits.available.asset, "CNY/2");
  assert.deepEqual(limits.agent?.limits, [
    { kind: "per_payment", max: "500" },
    { kind: "ask_above", amount: "100" },
  ]);
  assert.deepEqual([limits.wallet.status, limits.mandate], ["active", undefined]);
});

test("a seller verifies a payment once, confirms it, and sees it in the list", async () => {
  const seller = await Seller.open(stage.sellerKey, stage.server);
  const url = `${stage.gateway}/cheap.txt`;
  const needed = (await fetch(url)).headers.get("payment-needed");
  const { protocol } = JSON.parse(Buffer.from(needed, "base64url").toString());
  const id = wallet.client.freshId("hld");
  const body = { id, wallet: wallet.id, payment_needed: needed };
  const { answer } = await wallet.client.request("POST", "/v1/a402/pay", body);
  const facts = {
    request_method: protocol.request_method,
    request_fingerprint: protocol.request_fingerprint,
    resource_id: protocol.resource_id,
    out_trade_no: protocol.out_trade_no,
  };
  const verified = await seller.verify(answer.payment_proof, facts);
  assert.deepEqual([verified.trade_no, verified.amount, verified.repeated], [id, "0.30", false]);
  assert.equal((await seller.verify(answer.payment_proof, facts)).repeated, true);
  const other = { ...facts, request_fingerprint: `sha-256:${"A".repeat(43)}` };
  await assert.rejects(seller.verify(answer.payment_proof, other), { name: "Refused", code: "a402_refused" });
  assert.equal((await seller.trade(id)).payment_status, "held");
  assert.equal((await seller.confirm(id, "fulfilled", "0.20 CNY")).payment_status, "paid");
  const page = await seller.payments({ limit: 1 });
  assert.equal(page.data.length, 1);
  const all = [];
  for await (const one of seller.client.all("/v1/payments")) all.push(one.id);
  assert.equal(new Set(all).size, all.length);
  assert.ok(1 < all.length);
  await assert.rejects(Seller.open(stage.key, stage.server), { name: "KeyFault" });
});

test("a receipt gets the same answer as from `tollbridge verify`, good or tampered", async () => {
  const payment = (await wallet.pay(stage.payee, "0.01")).settled();
  const receipt = await wallet.receipt(payment);
  const { proof, bytes, checkpoint, entry } = receipt;
  const flipped = (bytes[0] === "A" ? "B" : "A") + bytes.slice(1);
  const rows = [
    {},
    { entry: entry - 1 },
    { entry: entry + 1_000_000 },
    { bytes: flipped },
    { bytes: `${bytes}=` },
    { proof: proof.slice(1) },
    { proof: [...proof, proof[0]] },
    { proof: [...proof].reverse() },
    { proof: [proof[0].replace(/^./, (letter) => (letter === "A" ? "B" : "A")), ...proof.slice(1)] },
    { checkpoint: checkpoint.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) + 1}\n`) },
    { checkpoint: checkpoint.replace("tollbridge", "tollbridgf") },
    { checkpoint: checkpoint.slice(0, -1) },
    { checkpoint: checkpoint.slice(0, checkpoint.indexOf("\n\n") + 2) },
  ];
  const keys = [stage.vkey, "other.example+bdf4e0fd+AVT6yaUQS7p3lJyYaRdW3Nf4G0QGJNfPBxmHmLVYZ5BV"];
  let falseOnes = 0;
  for (const row of rows) {
    const tampered = { ...receipt, ...row };
    await writeFile(stage.at("receipt.json"), JSON.stringify(tampered));
    const theirs = await stage.tried("verify", stage.at("receipt.json"), "--vkey", keys[0]);
    const ours = await verifyReceipt(tampered, keys[0]).then(
      () => ({ status: 0, said: "" }),
      (fault) => ({ status: 6, said: fault.message.replace(" of the receipt", "") }),
    );
    assert.equal(ours.status, theirs.status, JSON.stringify(row));
    if (ours.status !== 0) assert.ok(theirs.said.includes(ours.said), `${theirs.said} against ${ours.said}`);
    falseOnes += ours.status === 0 ? 0 : 1;
  }
  assert.equal(falseOnes, rows.length - 1);
});

test("a wallet that knows the log's keys hands out no false receipt", async () => {
  const payment = await wallet.pay(stage.payee, "0.01");
  const wrong = await Wallet.open(stage.key, stage.server, { vkey: (await vectors()).receipts[0].vkey });
  await assert.rejects(wrong.receipt(payment), { code: "log_differs" });
});

test("a key file that others may read is refused, and none is ever quoted", async () => {
  const open = stage.at("open.json");
  await copyFile(stage.key, open);
  await chmod(open, 0o644);
  await assert.rejects(Wallet.open(open, stage.server), { name: "KeyFault", message: /chmod 600/ });
  const broken = stage.at("broken.json");
  const text = await readFile(stage.key, "utf8");
  const seed = /seed = "([^"]*)"/.exec(text)[1];
  await writeFile(broken, text.replace("seed", "sead"), { mode: 0o600 });
  await assert.rejects(
    Wallet.open(broken, stage.server),
    (fault) => fault.code === "key_fault" && !fault.message.includes(seed),
  );
});

async function vectors() {
  const folder = process.env.TOLLBRIDGE_VECTORS ?? new URL("../../../vectors", import.meta.url).pathname;
  return JSON.parse(await readFile(`${folder}/sdk.json`, "utf8"));
}
