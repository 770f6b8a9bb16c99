/**
 * The vectors that every client reads: bytes that are signed, codes, receipts good and false, money,
 * fingerprints.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  credentials,
  fingerprint,
  readMoney,
  sessionCode,
  sessionOf,
  signatureBase,
  signatureHeaders,
  verifyReceipt,
} from "tollbridge";

const folder = process.env.TOLLBRIDGE_VECTORS ?? new URL("../../../vectors", import.meta.url).pathname;
const read = async (name) => JSON.parse(await readFile(`${folder}/${name}`, "utf8"));
const golden = await read("sdk.json");
const toSign = (row) => ({
  method: row.method,
  url: new URL(row.url),
  body: new TextEncoder().encode(row.body),
});

for (const row of golden.requests) {
  test(`a signed request: ${row.name}`, async () => {
    const by = await credentials(row.key, row.seed);
    const signed = await signatureBase(toSign(row), row.key, row.created_seconds, BigInt(row.nonce));
    assert.equal(signed.base, row.base);
    assert.equal(signed.contentDigest ?? null, row.content_digest);
    const headers = await signatureHeaders(toSign(row), by, row.created_seconds * 1_000, BigInt(row.nonce));
    assert.equal(headers["signature-input"], row.signature_input);
    assert.equal(headers.signature, row.signature);
    assert.equal(headers["content-digest"] ?? null, row.content_digest);
  });
}

for (const row of golden.es256) {
  test(`a request signed by ${row.name}`, async () => {
    const by = await credentials(row.key, row.seed, "es256");
    const request = { method: "GET", url: new URL("https://pay.example/v1/me"), body: new Uint8Array() };
    const { base } = await signatureBase(request, row.key, 1_800_000_000, 1n);
    const { signature } = await signatureHeaders(request, by, 1_800_000_000_000, 1n);
    const point = Buffer.concat([Buffer.of(4), Buffer.from(row.public_key, "base64url")]);
    const key = await crypto.subtle.importKey("raw", point, { name: "ECDSA", namedCurve: "P-256" }, false, [
      "verify",
    ]);
    const bytes = Buffer.from(signature.slice("sig=:".length, -1), "base64");
    assert.ok(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytes, Buffer.from(base)));
  });
}

for (const row of golden.codes) {
  test(`a request in a session: ${row.name}`, async () => {
    const session = await sessionOf(row.session, new Uint8Array(Buffer.from(row.secret, "base64url")));
    assert.equal(await sessionCode(toSign(row), session, BigInt(row.nonce)), row.authorization);
  });
}

for (const row of [...golden.receipts, ...golden.misplaced]) {
  test(`a receipt: ${row.name}`, async () => {
    if (row.answer === "good") {
      const recorded = await verifyReceipt(row.receipt, row.vkey);
      assert.equal(recorded.entry, row.receipt.entry);
      assert.equal(Buffer.from(recorded.bytes).toString("base64url"), row.receipt.bytes);
      return;
    }
    const refused = {
      name: "ReceiptFalse",
      code: row.answer,
      next: "stop",
      message: `the receipt is false: ${row.says}`,
    };
    await assert.rejects(verifyReceipt(row.receipt, row.vkey), refused);
  });
}

for (const row of golden.not_keys) {
  test(`no keys of a log: ${row.name}`, async () => {
    await assert.rejects(verifyReceipt(golden.receipts[0].receipt, row.vkey), { code: "keys_malformed" });
  });
}

for (const row of golden.money) {
  test(`money: ${JSON.stringify(row.text)} of ${row.asset}`, () => {
    if (row.minor === null) assert.throws(() => readMoney(row.text, row.asset), { name: "Malformed" });
    else assert.deepEqual(readMoney(row.text, row.asset), { amount: row.minor, asset: row.asset });
  });
}

test("a number is no amount, whole or not", () => {
  for (const amount of [0.05, 5, NaN, Infinity]) {
    assert.throws(() => readMoney(amount, "CNY/2"), {
      code: "float_refused",
      next: "new_id",
      message: /^Nothing was spent: /,
    });
  }
  assert.deepEqual(readMoney(5n, "CNY/2"), { amount: "5", asset: "CNY/2" });
});

test("fingerprints are those of every language", async () => {
  for (const row of (await read("a402/fingerprints.json")).cases) {
    const facts = await fingerprint(
      row.method,
      row.uri,
      row.content_type,
      new TextEncoder().encode(row.body),
    );
    assert.deepEqual([facts.url.href, facts.fingerprint], [row.normalised_uri, row.fingerprint]);
  }
});

test("only the file that reads files needs Node", async () => {
  const folder = new URL(".", import.meta.resolve("tollbridge"));
  const needing = [];
  for (const name of (await readdir(folder)).filter((name) => name.endsWith(".js"))) {
    const text = await readFile(new URL(name, folder), "utf8");
    if (/from "node:|\bprocess\.|\bBuffer\b|\brequire\(/.test(text)) needing.push(name);
  }
  assert.deepEqual(needing, ["files.js"]);
  const { browser } = JSON.parse(await readFile(new URL("../package.json", folder), "utf8"));
  assert.deepEqual(browser, { "./dist/files.js": false });
});
