/** Bills of other dialects: compared before anything is asked for, and each paid once. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Wallet } from "tollbridge";
import { Stage } from "./stage.mjs";

let stage;
before(async () => {
  stage = await Stage.open();
});
after(() => stage.close());

const open = (options) =>
  Wallet.open(stage.key, stage.server, { purchases: stage.at("purchases"), ...options });

/** A bill of nobody's gateway over x402. */
function bill(change = {}) {
  const accepted = {
    scheme: "exact",
    network: "toll:test",
    asset: "CNY",
    amount: change.amount ?? "30",
    payTo: stage.payee,
    maxTimeoutSeconds: 60,
    extra: { decimals: 2 },
  };
  return {
    path: "/v1/x402/pay",
    name: "x402 monday",
    network: accepted.network,
    payee: accepted.payTo,
    amount: accepted.amount,
    currency: accepted.asset,
    decimals: 2,
    authority: undefined,
    asked: { accepted: JSON.stringify(accepted), resource: "https://shop.example/weather" },
    ...change,
  };
}

async function refused(change, options = {}, maxPrice = "1.00 CNY") {
  const before = await stage.left();
  const wallet = await open(options);
  const why = await wallet.payBill(bill(change), { maxPrice }).then(
    () => assert.fail("it was paid"),
    (fault) => fault,
  );
  assert.match(why.message, /^Nothing was spent/);
  assert.equal(await stage.left(), before);
  return why.code;
}

test("what does not fit is refused before anybody is asked", async () => {
  let asked = 0;
  stage.serverDoor.before = (request) => void (asked += request.url === "/v1/x402/pay" ? 1 : 0);
  const rows = [
    [{ network: "toll:main" }, {}, "method_unsupported"],
    [{ network: "eip155:8453" }, {}, "method_unsupported"],
    [{ currency: "USD" }, {}, "asset_mismatch"],
    [{ decimals: 3 }, {}, "asset_mismatch"],
    [{ decimals: undefined }, {}, "asset_mismatch"],
    [{ authority: "https://another.example" }, {}, "psp_differs"],
    [{ authority: "nowhere" }, {}, "psp_differs"],
    [{}, { payees: ["pye_01M83PH00DGM7DBDCVY9MDCSZD"] }, "payee_not_chosen"],
    [{ amount: "101" }, {}, "too_dear"],
    [{ amount: 30 }, {}, "demand_refused"],
    [{ amount: "1.5" }, {}, "malformed"],
  ];
  for (const [change, options, code] of rows) {
    assert.equal(await refused(change, options), code, JSON.stringify(change));
  }
  stage.serverDoor.before = () => undefined;
  assert.equal(asked, 0);
});

test("one bill is one payment, also for the next program and at once", async () => {
  const left = await stage.left();
  const wallets = await Promise.all([open(), open(), open()]);
  const paid = await Promise.all(wallets.map((wallet) => wallet.payBill(bill(), { maxPrice: "0.30 CNY" })));
  paid.push(await (await open()).payBill(bill(), { maxPrice: "0.30 CNY" }));
  assert.equal(new Set(paid.map(({ id }) => id)).size, 1);
  assert.equal(new Set(paid.map(({ credential }) => credential)).size, 1);
  // It is bought already, whatever may be spent from now on.
  assert.equal((await (await open()).payBill(bill(), { maxPrice: "0.01 CNY" })).id, paid[0].id);
  assert.equal(left - (await stage.left()), 30);
});

test("a name that stands for another price is refused", async () => {
  await (await open()).payBill(bill({ name: "x402 tuesday" }), { maxPrice: "0.30 CNY" });
  assert.equal(await refused({ name: "x402 tuesday", amount: "31" }), "purchase_key_reused");
});

test("after the owner's yes the same bill is paid, and once", async () => {
  const asked = bill({ name: "x402 wednesday", amount: "200" });
  const pay = async () => (await open()).payBill(asked, { maxPrice: "2.00 CNY" });
  const left = await stage.left();
  const why = await pay().catch((fault) => fault);
  assert.equal(why.name, "OwnerAsked");
  const again = await pay().catch((fault) => fault);
  assert.deepEqual([again.name, again.question, await stage.left()], ["OwnerAsked", why.question, left]);
  await stage.approve(why.question);
  const [first, second] = [await pay(), await pay()];
  assert.equal(first.id, second.id);
  assert.equal(left - (await stage.left()), 200);
});

test("whose answer got lost is unknown, and asking again pays nothing twice", async () => {
  const left = await stage.left();
  const lost = bill({ name: "x402 thursday" });
  stage.serverDoor.after = (request) => (request.url === "/v1/x402/pay" ? "lost" : undefined);
  const why = await (await open()).payBill(lost, { maxPrice: "0.30 CNY" }).catch((fault) => fault);
  stage.serverDoor.after = () => undefined;
  assert.deepEqual([why.name, why.next], ["OutcomeUnknown", "same_id"]);
  // It may be paid, so "nothing was spent" would be too much said.
  const low = await (await open()).payBill(lost, { maxPrice: "0.01 CNY" }).catch((fault) => fault);
  assert.equal(low.name, "OutcomeUnknown");
  const long = { maxPrice: "0.30 CNY", why: "x".repeat(201) };
  const again = await (await open()).payBill(lost, long).catch((fault) => fault);
  assert.equal(again.name, "OutcomeUnknown");
  await (await open()).payBill(lost, { maxPrice: "0.30 CNY" });
  assert.equal(left - (await stage.left()), 30);
});

test("what was not looked at is no payment, and the bill can be paid after it", async () => {
  const left = await stage.left();
  const friday = bill({ name: "x402 friday" });
  const long = { maxPrice: "0.30 CNY", why: "x".repeat(201) };
  for (let times = 0; times < 2; times += 1) {
    const why = await (await open()).payBill(friday, long).catch((fault) => fault);
    assert.equal(why.name, "Refused");
  }
  await (await open()).payBill(friday, { maxPrice: "0.30 CNY" });
  assert.equal(left - (await stage.left()), 30);
});
