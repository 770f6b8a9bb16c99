/**
 * Trials of official packages: each is one row of `docs/interop.md`. A trial that fails is written down and does not stop
 * the others; who runs them judges by the list of known failures.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFile, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const RESULTS = process.env.TOLLBRIDGE_RESULTS;
/** How long a gateway may take to confirm what it has delivered. */
const TAKEN_MAX_MS = 10_000;
const ONLY = process.env.TOLLBRIDGE_TRIAL;

/** Runs one trial of `who`, and writes down what came of it. */
export async function trial(who, what, run) {
  if (ONLY && !`${who}: ${what}`.includes(ONLY)) return;
  let failure;
  try {
    await run();
  } catch (fault) {
    failure = fault.stack ?? String(fault);
  }
  console.log(`${failure ? "FAILED" : "ok"} ${who}: ${what}${failure ? `\n${failure}` : ""}`);
  const row = { program: process.env.TOLLBRIDGE_PROGRAM, who, what, result: failure ? "failed" : "ok" };
  if (RESULTS) await appendFile(RESULTS, `${JSON.stringify(row)}\n`);
}

/** What `work` takes from the wallet, in fen. Money that is held is taken. */
export async function spent(stage, work) {
  const before = await stage.left();
  await work();
  return before - (await stage.left());
}

/** Waits until the seller has taken what was held for her. */
export async function taken(wallet, hold) {
  const until = Date.now() + TAKEN_MAX_MS;
  while (Date.now() < until) {
    if ((await wallet.client.get(`/v1/holds/${hold}`)).status === "captured") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${hold} was not taken`);
}

/** A `fetch` that remembers the last request with this header, to present its proof again. */
export function remembering(header) {
  const remember = async (input, init) => {
    const request = new Request(input, init);
    if (request.headers.has(header)) remember.last = request.clone();
    return fetch(request);
  };
  remember.again = () => fetch(remember.last.clone());
  return remember;
}

/** What a promise is rejected with. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (fault) {
    return fault;
  }
  throw new Error("it was not refused");
}

/** Serves with `listener` on a free port of this machine while `work` runs. */
export async function serving(server, work) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const LINES_MAX = 15;

/**
 * The trials of the two programs of a page in `docs`: `client` runs the buyer's; of the seller's, which `server` runs,
 * `buy(url)` buys.
 */
export async function documented(stage, page, { client, server, buy }) {
  const [buyerProgram, sellerProgram] = await programs(stage, page);
  await trial(client, `the buyer's program in docs/${page}`, async () => {
    const cost = await spent(stage, async () => {
      const { lines } = started(buyerProgram, stage);
      assert.equal((await lines.next()).value, "200 This is cheap.txt.");
    });
    assert.equal(cost, 30);
  });
  await trial(server, `the seller's program in docs/${page}`, async () => {
    const port = await freePort();
    const { node, lines } = started(sellerProgram.replace("4021", port), stage);
    try {
      assert.equal((await lines.next()).value, "listening");
      assert.equal(await spent(stage, async () => buy(`http://127.0.0.1:${port}/weather`)), 40);
    } finally {
      node.kill();
    }
  });
}

/** The trial of the program of a page in `docs` that pays by session, in place `place` of its programs. */
export async function documentedSession(stage, page, { client, place }) {
  const program = (await programs(stage, page))[place];
  await trial(client, `the program in docs/${page}`, async () => {
    const cost = await spent(stage, async () => {
      const { lines } = started(program, stage);
      assert.equal((await lines.next()).value, "spent 3");
    });
    assert.equal(cost, 3);
  });
}

/** The programs of a page in `docs`, as a reader finds them there, at this stage. None is longer than 15 lines. */
async function programs(stage, page) {
  const text = await readFile(`${process.env.TOLLBRIDGE_DOCS}/${page}`, "utf8");
  const found = [...text.matchAll(/```js\n([^]*?)```/g)].map(([, program]) => program);
  return found.map((program) => {
    const lines = program.trimEnd().split("\n").length;
    if (LINES_MAX < lines) throw new Error(`a program in ${page} has ${lines} lines`);
    return program
      .replace("http://127.0.0.1:8410/tolls.txt", `${stage.gateway}/cheap.txt`)
      .replace("http://127.0.0.1:8410/ticks.txt", `${stage.gateway}/ticks.txt`)
      .replace("http://127.0.0.1:8402", stage.server)
      .replace("agent.json", stage.key)
      .replace("pye_…", stage.payee);
  });
}

/** Starts a program; its lines come as they are said. */
function started(program, stage) {
  const env = {
    ...process.env,
    TOLLBRIDGE_PURCHASES: stage.at("examples"),
    SHOP_SECRET: "a secret of the shop, for trials only",
  };
  const cwd = new URL(".", import.meta.url).pathname;
  const words = [...process.execArgv, "--input-type=module", "--eval", program];
  const node = spawn(process.execPath, words, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  return { node, lines: createInterface({ input: node.stdout })[Symbol.asyncIterator]() };
}

/** A port that nobody has now. */
async function freePort() {
  const { createServer } = await import("node:net");
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
