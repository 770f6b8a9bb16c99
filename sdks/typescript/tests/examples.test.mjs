/** Every example, run as a reader would, and none longer than 40 lines. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Wallet } from "tollbridge";
import { Stage } from "./stage.mjs";

const folder = new URL("../examples/", import.meta.url);
const LINES_MAX = 40;
let stage;
before(async () => {
  stage = await Stage.open();
});
after(() => stage.close());

/** Runs one example with the agent's key, or another. Answers its exit status and what it said. */
async function run(name, words, { key = stage.key, input = "" } = {}) {
  const env = {
    ...process.env,
    TOLLBRIDGE_KEY: key,
    TOLLBRIDGE_SERVER: stage.server,
    TOLLBRIDGE_PURCHASES: stage.at("purchases"),
  };
  const child = spawn(process.execPath, [new URL(name, folder).pathname, ...words], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(input);
  const ended = new Promise((resolve) => child.on("exit", resolve));
  let said = "";
  for await (const part of child.stdout) said += part;
  return { status: await ended, said };
}

test("no example is longer than 40 lines, and each is run here", async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".mjs"));
  assert.deepEqual(names.sort(), ["buy.mjs", "pay-many.mjs", "receipt.mjs", "sell.mjs"]);
  for (const name of names) {
    const lines = (await readFile(new URL(name, folder), "utf8")).trimEnd().split("\n").length;
    assert.ok(lines <= LINES_MAX, `${name} has ${lines} lines`);
  }
});

test("buy.mjs", async () => {
  const cheap = `${stage.gateway}/cheap.txt`;
  for (let times = 0; times < 2; times += 1) {
    const { status, said } = await run("buy.mjs", [cheap, "monday"]);
    assert.equal(status, 0);
    assert.match(said, /^(Held|Paid): .*0\.30 CNY.*\nThis is cheap\.txt\./);
  }
  assert.equal(await stage.left(), 100_000 - 30);
  const dear = await run("buy.mjs", [`${stage.gateway}/asked.txt`, "tuesday"]);
  assert.deepEqual([dear.status, dear.said.split(":")[0]], [3, "Nothing was spent"]);
});

test("pay-many.mjs", async () => {
  const left = await stage.left();
  for (let times = 0; times < 2; times += 1) {
    const { status, said } = await run("pay-many.mjs", [stage.payee, "50"]);
    assert.equal(status, 0);
    assert.match(said, /50 paid in/);
  }
  assert.equal(left - (await stage.left()), 50);
});

test("receipt.mjs", async () => {
  await writeFile(stage.at("log.keys"), stage.vkey);
  const { status, said } = await run("receipt.mjs", [
    stage.payee,
    stage.at("receipt.json"),
    stage.at("log.keys"),
  ]);
  assert.equal(status, 0);
  assert.match(said, /^entry \d+ is in .*, a log of \d+ entries\nanother place: the receipt is false: /);
  assert.equal((await stage.tried("verify", stage.at("receipt.json"), "--data", stage.book)).status, 0);
});

test("sell.mjs", async () => {
  const wallet = await Wallet.open(stage.key, stage.server, { purchases: stage.at("purchases") });
  const needed = (await fetch(`${stage.gateway}/cheap.txt`)).headers.get("payment-needed");
  const { protocol } = JSON.parse(Buffer.from(needed, "base64url").toString());
  const body = { id: wallet.client.freshId("hld"), wallet: wallet.id, payment_needed: needed };
  const { answer } = await wallet.client.request("POST", "/v1/a402/pay", body);
  const { request_method, request_fingerprint, resource_id, out_trade_no } = protocol;
  const facts = { request_method, request_fingerprint, resource_id, out_trade_no };
  const good = { payment_proof: answer.payment_proof, facts };
  const other = { ...good, facts: { ...facts, resource_id: "something else" } };
  const input = `${JSON.stringify(other)}\n${JSON.stringify(good)}\n`;
  const { status, said } = await run("sell.mjs", [], { key: stage.sellerKey, input });
  assert.equal(status, 0);
  assert.match(
    said,
    /^no delivery: .* \(a402_refused\)\ndeliver .* for 0\.30 CNY, once for .*\nhld_\w+: paid\n\d+ payments/,
  );
});

test("the program in README.md", async () => {
  const left = await stage.left();
  const text = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const program = /```js\n([^]*?)```/.exec(text)[1];
  const ours = program
    .replace("http://127.0.0.1:8410/tolls.txt", `${stage.gateway}/cheap.txt`)
    .replace("http://127.0.0.1:8402", stage.server)
    .replace("agent.json", stage.key);
  const env = { ...process.env, TOLLBRIDGE_PURCHASES: stage.at("readme") };
  const cwd = new URL(".", import.meta.url).pathname;
  const node = spawn(process.execPath, ["--input-type=module", "--eval", ours], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const part of node.stdout) said += part;
  assert.match(said, /^(held Held|paid Paid): .*0\.30 CNY.*\nThis is cheap\.txt\./);
  assert.equal(left - (await stage.left()), 30);
});
