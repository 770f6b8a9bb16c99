/**
 * Trials of official packages: each is one row of `docs/interop.md`. A trial that fails is written down and does not stop
 * the others; who runs them judges by the list of known failures.
 */

import { appendFile } from "node:fs/promises";

const RESULTS = process.env.TOLLBRIDGE_RESULTS;
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
