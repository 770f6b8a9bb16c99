/**
 * How many payments a second a facilitator verifies and settles: ours, on our own ledger, and the official one, on a chain
 * with one node on this machine that makes a block of whatever comes. Both are asked by this program, in one run.
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { x402Facilitator } from "@x402/core/facilitator";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { ExactEvmScheme } from "@x402/evm/exact/facilitator";
import { MemoryStore, Wallet } from "tollbridge";
import { paymentSignature } from "tollbridge/x402";
import { createWalletClient, http, nonceManager, parseEther, publicActions } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

/** How many are asked for at once. */
const AT_ONCE = 64;
const [OURS, OFFICIAL] = [4_000, 400];

if (process.argv[2] === "official") serveOfficial(process.argv[3], process.argv[4]);
else await measure();

/** The official facilitator, as its own documentation puts it together, before this node and with this key. */
function serveOfficial(node, key) {
  const account = privateKeyToAccount(key, { nonceManager });
  const client = createWalletClient({ account, chain: foundry, transport: http(node), pollingInterval: 20 });
  const signer = toFacilitatorEvmSigner({ ...client.extend(publicActions), address: account.address });
  const facilitator = new x402Facilitator().register(`eip155:${foundry.id}`, new ExactEvmScheme(signer));
  const server = createServer(async (incoming, answer) => {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const { paymentPayload, paymentRequirements } = JSON.parse(Buffer.concat(parts).toString());
    const said = await (incoming.url === "/verify"
      ? facilitator.verify(paymentPayload, paymentRequirements)
      : facilitator.settle(paymentPayload, paymentRequirements));
    answer.setHeader("content-type", "application/json").end(JSON.stringify(said));
  });
  server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
}

async function measure() {
  const { Chain } = await import("./chain.mjs");
  const { Stage } = await import("../stage.mjs");
  const chain = await Chain.open();
  const stage = await Stage.open();
  try {
    const official = await officialRate(chain);
    const ours = await ourRate(stage);
    const ratio = ours / official;
    console.log(`ours: ${ours.toFixed(0)} payments/s; official: ${official.toFixed(0)} payments/s; ${ratio.toFixed(1)} times`);
    if (ratio < 10) process.exitCode = 1;
  } finally {
    await stage.close();
    await chain.close();
  }
}

async function ourRate(stage) {
  const wallet = await Wallet.open(stage.key, stage.server, { purchases: new MemoryStore() });
  const paymentRequirements = {
    scheme: "exact",
    network: "toll:test",
    asset: "CNY",
    amount: "1",
    payTo: stage.payee,
    maxTimeoutSeconds: 900,
    extra: { decimals: 2 },
  };
  const bodies = await all(OURS, async (at) => {
    const required = { x402Version: 2, resource: { url: `https://shop.test/${at}` }, accepts: [paymentRequirements] };
    const asked = Buffer.from(JSON.stringify(required)).toString("base64");
    const paid = await paymentSignature(wallet, asked, { maxPrice: "1.00 CNY" });
    const paymentPayload = JSON.parse(Buffer.from(paid, "base64").toString());
    return JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements });
  });
  return rate(`${stage.serverProcess.address}/v1/x402`, bodies);
}

async function officialRate(chain) {
  const { NAME, NETWORK, TYPES, VERSION } = await import("./chain.mjs");
  const key = generatePrivateKey();
  await chain.test.setBalance({ address: privateKeyToAccount(key).address, value: parseEther("10") });
  const words = [fileURLToPath(import.meta.url), "official", chain.node.address, key];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const [url] = await once(createInterface({ input: child.stdout }), "line");
  const payer = await chain.payer(BigInt(OFFICIAL));
  const paymentRequirements = {
    scheme: "exact",
    network: NETWORK,
    amount: "1",
    asset: chain.token,
    payTo: chain.seller,
    maxTimeoutSeconds: 900,
    extra: { name: NAME, version: VERSION },
  };
  const domain = { name: NAME, version: VERSION, chainId: foundry.id, verifyingContract: chain.token };
  const bodies = await all(OFFICIAL, async () => {
    const authorization = {
      from: payer.address,
      to: chain.seller,
      value: "1",
      validAfter: "0",
      validBefore: String(Math.floor(Date.now() / 1000) + 900),
      nonce: `0x${randomBytes(32).toString("hex")}`,
    };
    const message = { domain, types: TYPES, primaryType: "TransferWithAuthorization", message: authorization };
    const payload = { authorization, signature: await payer.signTypedData(message) };
    const paymentPayload = { x402Version: 2, accepted: paymentRequirements, payload };
    return JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements });
  });
  try {
    return await rate(url, bodies);
  } finally {
    child.kill();
  }
}

/** Verifies and settles each, and says how many a second. */
async function rate(url, bodies) {
  const ask = async (path, body) => {
    const headers = { "content-type": "application/json" };
    return (await fetch(`${url}/${path}`, { method: "POST", headers, body })).json();
  };
  const began = performance.now();
  await all(bodies.length, async (at) => {
    const verified = await ask("verify", bodies[at]);
    if (!verified.isValid) throw new Error(JSON.stringify(verified));
    const settled = await ask("settle", bodies[at]);
    if (!settled.success) throw new Error(JSON.stringify(settled));
  });
  return bodies.length / ((performance.now() - began) / 1000);
}

/** Does the work for each number below `count`, so many at once, and answers what came of each. */
async function all(count, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < count; at = next++) results[at] = await work(at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
