/** The official x402 packages for EVM chains, on a real node: their client, their seller, and us as their facilitator. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { randomBytes, randomInt } from "node:crypto";
import express from "express";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme as Buyer } from "@x402/evm/exact/client";
import { ExactEvmScheme as Seller } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { getAddress, keccak256, parseTransaction } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { remembering, serving, trial } from "../dialects/trials.mjs";
import { Chain, NAME, NETWORK, TYPES, VERSION } from "./chain.mjs";

const STOCK = "@x402/fetch, @x402/evm → @x402/express → facilitator";
const DIRECT = "viem → facilitator";
const PRICE = 10_000n;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

const chain = await Chain.open();
const facilitator = `${chain.server}/v1/x402`;
const nobody = privateKeyToAccount(generatePrivateKey()).address;
const seconds = () => Math.floor(Date.now() / 1000);
const hex = (bytes) => `0x${bytes.toString("hex")}`;

/** What the seller asks. */
const asked = (changes) => ({
  scheme: "exact",
  network: NETWORK,
  amount: String(PRICE),
  asset: chain.token,
  payTo: chain.seller,
  maxTimeoutSeconds: 300,
  extra: { name: NAME, version: VERSION },
  ...changes,
});

/** A payer's authorization of just that, but for these changes, signed by her or by somebody else. */
async function signed(payer, { signer = payer, domain, ...changes } = {}) {
  const authorization = {
    from: payer.address,
    to: chain.seller,
    value: String(PRICE),
    validAfter: "0",
    validBefore: String(seconds() + 300),
    nonce: hex(randomBytes(32)),
    ...changes,
  };
  const chainId = Number(NETWORK.split(":")[1]);
  const signature = await signer.signTypedData({
    domain: { name: NAME, version: VERSION, chainId, verifyingContract: chain.token, ...domain },
    types: TYPES,
    primaryType: "TransferWithAuthorization",
    message: authorization,
  });
  return { authorization, signature };
}

/** What the facilitator says of a payload for requirements, which the payer accepted unless he accepted others. */
async function say(path, payload, requirements = asked(), accepted = requirements) {
  const paymentPayload = { x402Version: 2, accepted, payload };
  const body = JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements: requirements });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${facilitator}/${path}`, { method: "POST", headers, body });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** Nothing of the payer's, the seller's or the settler's moves while this goes on. */
async function unmoved(payer, work) {
  const accounts = [payer.address, chain.seller, nobody];
  const before = await chain.standing(...accounts);
  await work();
  assert.deepEqual(await chain.standing(...accounts), before);
}

/** Just the price moves, in just one transfer, while this goes on. */
async function movedOnce(payer, work) {
  const accounts = [payer.address, chain.seller];
  const [had, earned] = await chain.standing(...accounts);
  await work();
  const [has, earns] = await chain.standing(...accounts);
  assert.deepEqual([had - has, earns - earned], [PRICE, PRICE]);
}

/** A stock client's `fetch`. */
function buying(payer, using = fetch) {
  const client = new x402Client().register("eip155:*", new Buyer(payer));
  client.setSpendControls({
    allowedAssets: [{ network: NETWORK, asset: chain.token, maxAmountPerPayment: String(PRICE) }],
  });
  return wrapFetchWithPayment(using, client);
}

async function delivered(answer) {
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.equal(await answer.text(), "sunny");
  const said = decodePaymentResponseHeader(answer.headers.get("payment-response"));
  assert.deepEqual([said.success, said.network], [true, NETWORK]);
  return said.transaction;
}

async function refused(answer) {
  assert.equal(answer.status, 402);
  assert.doesNotMatch(await answer.text(), /sunny/);
}

/** Waits until the node is asked this, and says so; from then on the server's question waits. */
function untilAsked(method) {
  return new Promise((resolve) => {
    chain.door.after = (asked) => (asked === method ? resolve() : undefined);
  });
}

/** Whether the server has signed this statement, with the key that it says. */
async function isStated({ statement, signature, key }) {
  const { kinds } = await (await fetch(`${facilitator}/supported`)).json();
  const { kid, ...jwk } = kinds.find((kind) => kind.network === NETWORK).extra.settlementKey;
  assert.equal(key, kid);
  const imported = await crypto.subtle.importKey("jwk", jwk, "Ed25519", true, ["verify"]);
  const signed = Buffer.from(`toll:evm-settlement/1\n${statement}`);
  return crypto.subtle.verify("Ed25519", imported, Buffer.from(signature, "base64url"), signed);
}

// A seller who knows nothing of us but our address.
const shop = express();
const price = { amount: String(PRICE), asset: chain.token, extra: { name: NAME, version: VERSION } };
const accepts = { scheme: "exact", network: NETWORK, payTo: chain.seller, price };
const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }));
resources.register(NETWORK, new Seller());
shop.use(paymentMiddleware({ "GET /weather": { accepts, description: "Weather" } }, resources));
shop.get("/weather", (_, answer) => answer.send("sunny"));

await serving(createServer(shop), async (address) => {
  const url = `${address}/weather`;
  await trial(STOCK, "pays once, to the unit, and the seller's account has it", async () => {
    const payer = await chain.payer(PRICE);
    await movedOnce(payer, async () => {
      const hash = await delivered(await buying(payer)(url));
      const receipt = await chain.reads.getTransactionReceipt({ hash });
      assert.deepEqual([receipt.status, getAddress(receipt.from)], ["success", chain.settler]);
    });
    assert.equal(await chain.read("balanceOf", payer.address), 0n);
  });
  await trial(STOCK, "the same proof again: refused, and nothing moves", async () => {
    const payer = await chain.payer(3n * PRICE);
    const seen = remembering("payment-signature");
    await delivered(await buying(payer, seen)(url));
    await unmoved(payer, async () => refused(await seen.again()));
  });
  await trial(STOCK, "four at once from one account: four payments", async () => {
    const payer = await chain.payer(4n * PRICE);
    const bought = await Promise.all([1, 2, 3, 4].map(async () => delivered(await buying(payer)(url))));
    assert.equal(new Set(bought).size, 4);
    assert.equal(await chain.read("balanceOf", payer.address), 0n);
  });
  await trial(STOCK, "a payer without enough: refused, and nothing moves", async () => {
    const payer = await chain.payer(PRICE - 1n);
    await unmoved(payer, async () => refused(await buying(payer)(url)));
  });
  await trial(
    STOCK,
    "the server is killed while the chain has it: asked again, it was paid once",
    async () => {
      const payer = await chain.payer(3n * PRICE);
      const seen = remembering("payment-signature");
      await movedOnce(payer, async () => {
        await chain.test.setAutomine(false);
        const sent = untilAsked("eth_sendRawTransaction");
        const first = buying(payer, seen)(url).catch((fault) => fault);
        await sent;
        await chain.killServer();
        chain.door.quiet();
        await chain.test.mine({ blocks: 1 });
        await chain.test.setAutomine(true);
        await first;
        await chain.startServer();
        await delivered(await seen.again());
        await refused(await seen.again());
      });
    },
  );
  await trial(
    STOCK,
    "the server is killed before the chain hears of it: asked again, it is paid once",
    async () => {
      const payer = await chain.payer(3n * PRICE);
      const seen = remembering("payment-signature");
      await movedOnce(payer, async () => {
        const about = new Promise((resolve) => {
          chain.door.before = async (method) => {
            if (method !== "eth_sendRawTransaction") return undefined;
            await chain.killServer();
            resolve();
            return "lost";
          };
        });
        const first = buying(payer, seen)(url).catch((fault) => fault);
        await about;
        chain.door.quiet();
        await first;
        await chain.startServer();
        await delivered(await seen.again());
        await refused(await seen.again());
      });
    },
  );
});

// What a stock client would not send.
const stranger = privateKeyToAccount(generatePrivateKey());
const otherHalf = ({ authorization, signature }) => {
  const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.endsWith("1b") ? "1c" : "1b";
  return { authorization, signature: `${signature.slice(0, 66)}${s.toString(16).padStart(64, "0")}${v}` };
};
const REFUSAL = JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: -32003, message: "no" } });
const MISMATCHES = "invalid_exact_evm";
/** What is wrong, what is shown, what is asked, and why it is refused. */
const WRONG = [
  [
    "for less",
    (it) => signed(it, { value: "9999" }),
    {},
    `${MISMATCHES}_payload_authorization_value_mismatch`,
  ],
  [
    "for more",
    (it) => signed(it, { value: "10001" }),
    {},
    `${MISMATCHES}_payload_authorization_value_mismatch`,
  ],
  ["for somebody else", (it) => signed(it, { to: nobody }), {}, `${MISMATCHES}_recipient_mismatch`],
  [
    "for a seller who is not served",
    (it) => signed(it, { to: nobody }),
    { payTo: nobody },
    "invalid_payment_requirements",
  ],
  [
    "over",
    (it) => signed(it, { validBefore: String(seconds() - 1) }),
    {},
    `${MISMATCHES}_payload_authorization_valid_before`,
  ],
  [
    "nearly over",
    (it) => signed(it, { validBefore: String(seconds() + 5) }),
    {},
    `${MISMATCHES}_payload_authorization_valid_before`,
  ],
  [
    "valid for a day",
    (it) => signed(it, { validBefore: String(seconds() + 86_400) }),
    {},
    `${MISMATCHES}_payload_authorization_valid_before`,
  ],
  [
    "not valid yet",
    (it) => signed(it, { validAfter: String(seconds() + 60) }),
    {},
    `${MISMATCHES}_payload_authorization_valid_after`,
  ],
  ["signed by somebody else", (it) => signed(it, { signer: stranger }), {}, `${MISMATCHES}_signature`],
  ["signed for another chain", (it) => signed(it, { domain: { chainId: 1 } }), {}, `${MISMATCHES}_signature`],
  [
    "signed for another token",
    (it) => signed(it, { domain: { verifyingContract: nobody } }),
    {},
    `${MISMATCHES}_signature`,
  ],
  ["signed in the other spelling", async (it) => otherHalf(await signed(it)), {}, `${MISMATCHES}_signature`],
  [
    "signed by a contract",
    async (it) => ({ ...(await signed(it)), signature: hex(randomBytes(96)) }),
    {},
    `${MISMATCHES}_failed_to_parse_signature`,
  ],
  ["on another chain", (it) => signed(it), { network: "eip155:1" }, "invalid_network"],
  ["in another token", (it) => signed(it), { asset: nobody }, "unsupported_payload_type"],
  [
    "in a token of another name",
    (it) => signed(it),
    { extra: { name: "USD Coin", version: VERSION } },
    `${MISMATCHES}_token_name_mismatch`,
  ],
  [
    "in a token of another version",
    (it) => signed(it),
    { extra: { name: NAME, version: "1" } },
    `${MISMATCHES}_token_version_mismatch`,
  ],
  ["in another scheme", (it) => signed(it), { scheme: "upto" }, `${MISMATCHES}_scheme`],
  [
    "by permit",
    (it) => signed(it),
    { extra: { name: NAME, version: VERSION, assetTransferMethod: "permit2" } },
    "unsupported_payload_type",
  ],
];
for (const [what, make, changes, reason] of WRONG) {
  await trial(DIRECT, `an authorization ${what}: refused by name, and nothing moves`, async () => {
    const payer = await chain.payer(3n * PRICE);
    await unmoved(payer, async () => {
      const payload = await make(payer);
      const verified = await say("verify", payload, asked(changes));
      assert.deepEqual([verified.isValid, verified.invalidReason], [false, reason]);
      const settled = await say("settle", payload, asked(changes));
      assert.deepEqual([settled.success, settled.errorReason, settled.transaction], [false, reason, ""]);
      assert.match(settled.errorMessage, /^Nothing was sent/);
    });
  });
}
await trial(DIRECT, "accepted for less than is asked: refused, and nothing moves", async () => {
  const payer = await chain.payer(3n * PRICE);
  await unmoved(payer, async () => {
    const payload = await signed(payer, { value: "9999" });
    const settled = await say("settle", payload, asked(), asked({ amount: "9999" }));
    assert.deepEqual([settled.success, settled.errorReason], [false, "invalid_payment_requirements"]);
  });
});
await trial(DIRECT, "says what it serves, and pays from an account of its own", async () => {
  const { kinds, signers } = await (await fetch(`${facilitator}/supported`)).json();
  const kind = kinds.find((kind) => kind.network === NETWORK);
  assert.deepEqual([kind.scheme, kind.extra.assets[0].asset], ["exact", chain.token]);
  assert.deepEqual(signers, { [NETWORK]: [chain.settler] });
  assert.ok(kinds.some((kind) => kind.network === "toll:test"));
});
await trial(
  DIRECT,
  "eight settle one authorization at once: one is told that it is paid, and it is paid once",
  async () => {
    const payer = await chain.payer(3n * PRICE);
    const payload = await signed(payer);
    await movedOnce(payer, async () => {
      const said = await Promise.all(Array.from({ length: 8 }, () => say("settle", payload)));
      const [paid, ...more] = said.filter((one) => one.success);
      assert.deepEqual(more, []);
      const evidence = paid.extensions["toll-settlement"];
      assert.ok(await isStated(evidence));
      assert.ok(!(await isStated({ ...evidence, statement: evidence.statement.replace("10000", "10001") })));
      const statement = JSON.parse(evidence.statement);
      assert.deepEqual(
        [statement.transaction, statement.authorization],
        [paid.transaction, payload.authorization],
      );
      for (const one of said.filter((one) => !one.success)) {
        assert.deepEqual(
          [one.errorReason, one.transaction],
          [`${MISMATCHES}_nonce_already_used`, paid.transaction],
        );
      }
    });
  },
);
await trial(DIRECT, "used by somebody else before: refused, and nothing more moves", async () => {
  const payer = await chain.payer(3n * PRICE);
  const payload = await signed(payer);
  await movedOnce(payer, async () => {
    await chain.sendByAnother(payload);
    for (const path of ["verify", "settle"]) {
      const said = await say(path, payload);
      assert.equal(said.invalidReason ?? said.errorReason, `${MISMATCHES}_nonce_already_used`);
    }
  });
});
await trial(DIRECT, "the node's answer is lost: the money has moved once, and it is known", async () => {
  const payer = await chain.payer(3n * PRICE);
  const payload = await signed(payer);
  await movedOnce(payer, async () => {
    chain.door.after = (method) => (method === "eth_sendRawTransaction" ? "lost" : undefined);
    const settled = await say("settle", payload);
    chain.door.quiet();
    assert.equal(settled.success, true);
  });
});
await trial(DIRECT, "the node cannot be asked: unknown, never failed, and nothing is sent", async () => {
  const payer = await chain.payer(3n * PRICE);
  const payload = await signed(payer);
  await unmoved(payer, async () => {
    chain.door.before = () => "lost";
    assert.equal((await say("verify", payload)).invalidReason, "unexpected_verify_error");
    assert.equal((await say("settle", payload)).errorReason, "unexpected_settle_error");
    chain.door.quiet();
  });
  await movedOnce(payer, async () => assert.equal((await say("settle", payload)).success, true));
});
await trial(DIRECT, "no block comes: pending with its transaction, and settled when one came", async () => {
  const payer = await chain.payer(3n * PRICE);
  const payload = await signed(payer);
  await movedOnce(payer, async () => {
    await chain.test.setAutomine(false);
    const pending = await say("settle", payload);
    assert.deepEqual([pending.success, pending.errorReason], [false, "settlement_pending"]);
    assert.match(pending.errorMessage, /Do not pay again/);
    await chain.test.mine({ blocks: 1 });
    await chain.test.setAutomine(true);
    const settled = await say("settle", payload);
    assert.deepEqual([settled.success, settled.transaction], [true, pending.transaction]);
  });
});
await trial(
  DIRECT,
  "the node refuses it and somebody else sends it: not ours, with the transaction that it was",
  async () => {
    const payer = await chain.payer(3n * PRICE);
    const payload = await signed(payer);
    await movedOnce(payer, async () => {
      chain.door.before = (method) => (method === "eth_sendRawTransaction" ? REFUSAL : undefined);
      assert.equal((await say("settle", payload)).errorReason, "settlement_pending");
      const other = await chain.sendByAnother(payload);
      chain.door.quiet();
      const said = await say("settle", payload);
      assert.deepEqual([said.errorReason, said.transaction], [`${MISMATCHES}_nonce_already_used`, other]);
    });
  },
);
await trial(DIRECT, "its place is taken by another transaction: it is sent anew, and paid once", async () => {
  const [first, second] = [await chain.payer(3n * PRICE), await chain.payer(3n * PRICE)];
  const [payload, another] = [await signed(first), await signed(second)];
  const nonce = payload.authorization.nonce.slice(2);
  chain.door.before = (method, body) =>
    method === "eth_sendRawTransaction" && body.includes(nonce) ? REFUSAL : undefined;
  const pending = await say("settle", payload);
  assert.equal(pending.errorReason, "settlement_pending");
  await movedOnce(second, async () => assert.equal((await say("settle", another)).success, true));
  chain.door.quiet();
  await movedOnce(first, async () => {
    const settled = await say("settle", payload);
    assert.equal(settled.success, true);
    assert.notEqual(settled.transaction, pending.transaction);
  });
});
await trial(
  DIRECT,
  "the payer's money goes elsewhere first: the chain has it, nothing was moved, and we say so",
  async () => {
    const payer = await chain.payer(PRICE);
    const [payload, first] = [await signed(payer), await signed(payer, { to: nobody })];
    const earned = await chain.read("balanceOf", chain.seller);
    await chain.test.setAutomine(false);
    const sent = untilAsked("eth_sendRawTransaction");
    const settling = say("settle", payload);
    await sent;
    chain.door.quiet();
    const fees = { maxPriorityFeePerGas: 10n ** 10n, maxFeePerGas: 10n ** 11n };
    const overtaking = chain.sendByAnother(first, fees);
    await chain.untilPending(2);
    await chain.test.mine({ blocks: 1 });
    await chain.test.setAutomine(true);
    await overtaking;
    const settled = await settling;
    assert.deepEqual([settled.success, settled.errorReason], [false, `${MISMATCHES}_transaction_failed`]);
    const receipt = await chain.reads.getTransactionReceipt({ hash: settled.transaction });
    assert.equal(receipt.status, "reverted");
    assert.equal((await say("settle", payload)).errorReason, `${MISMATCHES}_insufficient_balance`);
    assert.equal(await chain.read("balanceOf", chain.seller), earned);
  },
);
await trial(
  DIRECT,
  "a hundred authorizations and a hundred changed ones: we and viem agree on who signed",
  async () => {
    const poor = await chain.payer(0n);
    for (let times = 0; times < 100; times += 1) {
      const amount = String(BigInt(hex(randomBytes(randomInt(1, 32)))) + 1_000n);
      const good = await signed(poor, { value: amount, validBefore: String(seconds() + randomInt(20, 900)) });
      const known = await say("verify", good, asked({ amount }));
      assert.equal(known.invalidReason, `${MISMATCHES}_insufficient_balance`);
      const bytes = Buffer.from(good.signature.slice(2), "hex");
      bytes[randomInt(64)] ^= 1 << randomInt(8);
      const changed = await say("verify", { ...good, signature: hex(bytes) }, asked({ amount }));
      assert.equal(changed.invalidReason, `${MISMATCHES}_signature`);
    }
  },
);
for (const which of ["replacement", "one that it replaces"]) {
  const what = `gas becomes dearer, and the server is killed before its replacement is heard of: paid once, by the ${which}`;
  await trial(DIRECT, what, async () => {
    const payer = await chain.payer(3n * PRICE);
    const payload = await signed(payer);
    await movedOnce(payer, async () => {
      await chain.test.setAutomine(false);
      const handed = [];
      const killed = new Promise((resolve) => {
        chain.door.before = async (method, body) => {
          if (method !== "eth_sendRawTransaction" || handed.push(JSON.parse(body).params[0]) === 1) return undefined;
          await chain.killServer();
          resolve();
          return "lost";
        };
      });
      const sent = untilAsked("eth_sendRawTransaction");
      const first = say("settle", payload).catch((fault) => fault);
      await sent;
      const dear = 4n * (await chain.reads.getBlock()).baseFeePerGas + 10n ** 10n;
      await chain.test.setNextBlockBaseFeePerGas({ baseFeePerGas: dear });
      await chain.test.mine({ blocks: 2, interval: 16 });
      await killed;
      chain.door.quiet();
      await first;
      const [older, newer] = handed;
      const [was, by] = [parseTransaction(older), parseTransaction(newer)];
      assert.deepEqual([by.nonce, by.to, by.data, by.gas], [was.nonce, was.to, was.data, was.gas]);
      assert.ok(was.maxFeePerGas < dear && dear < by.maxFeePerGas && by.maxFeePerGas <= 10n ** 11n);
      assert.ok(was.maxPriorityFeePerGas * 9n <= by.maxPriorityFeePerGas * 8n);
      if (which === "replacement") {
        const again = untilAsked("eth_sendRawTransaction");
        await chain.startServer();
        await again;
        chain.door.quiet();
        await chain.test.mine({ blocks: 1 });
      } else {
        await chain.test.setNextBlockBaseFeePerGas({ baseFeePerGas: 1n });
        await chain.test.mine({ blocks: 1 });
        await chain.reads.request({ method: "eth_sendRawTransaction", params: [older] });
        await chain.test.mine({ blocks: 1 });
        await chain.startServer();
      }
      await chain.test.setAutomine(true);
      const settled = await say("settle", payload);
      const taken = keccak256(which === "replacement" ? newer : older);
      assert.deepEqual([settled.success, settled.transaction], [true, taken]);
      const evidence = settled.extensions["toll-settlement"];
      assert.ok(await isStated(evidence));
      assert.equal(JSON.parse(evidence.statement).transaction, taken);
      const again = await say("settle", payload);
      assert.deepEqual([again.errorReason, again.transaction], [`${MISMATCHES}_nonce_already_used`, taken]);
    });
  });
}
await trial(DIRECT, "the node refuses it and nobody asks any more: it is paid once, and told to who asks later", async () => {
  const payer = await chain.payer(3n * PRICE);
  const payload = await signed(payer);
  await movedOnce(payer, async () => {
    chain.door.before = (method) => (method === "eth_sendRawTransaction" ? REFUSAL : undefined);
    const pending = await say("settle", payload);
    assert.equal(pending.errorReason, "settlement_pending");
    const again = untilAsked("eth_sendRawTransaction");
    chain.door.before = () => undefined;
    await again;
    chain.door.quiet();
    await chain.reads.waitForTransactionReceipt({ hash: pending.transaction });
    const settled = await say("settle", payload);
    assert.deepEqual([settled.success, settled.transaction], [true, pending.transaction]);
    assert.equal((await say("settle", payload)).errorReason, `${MISMATCHES}_nonce_already_used`);
  });
});
await trial(DIRECT, "two blocks are wanted: one is not enough", async () => {
  const payer = await chain.payer(3n * PRICE);
  const payload = await signed(payer);
  await chain.killServer();
  await chain.configure({ confirmations: 2 });
  await chain.startServer();
  await movedOnce(payer, async () => {
    let looked = 0;
    const twice = new Promise((resolve) => {
      chain.door.before = (method) =>
        void (method === "eth_getTransactionReceipt" && (looked += 1) === 3 && resolve());
    });
    let said;
    const settling = say("settle", payload).then((answer) => (said = answer));
    await twice;
    chain.door.quiet();
    assert.equal(said, undefined);
    await chain.test.mine({ blocks: 1 });
    assert.equal((await settling).success, true);
  });
});
// The last one: from here on the chain is ahead of every clock.
await trial(
  DIRECT,
  "never sent, and its time is over on the chain: nothing was moved, and it can be said",
  async () => {
    const payer = await chain.payer(3n * PRICE);
    const payload = await signed(payer);
    await unmoved(payer, async () => {
      chain.door.before = (method) => (method === "eth_sendRawTransaction" ? REFUSAL : undefined);
      assert.equal((await say("settle", payload)).errorReason, "settlement_pending");
      await chain.test.increaseTime({ seconds: 400 });
      await chain.test.mine({ blocks: 1 });
      chain.door.quiet();
      assert.equal((await say("settle", payload)).errorReason, `${MISMATCHES}_transaction_simulation_failed`);
    });
  },
);

await chain.close();
