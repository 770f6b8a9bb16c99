/** The official Rust client of the `Payment` scheme, with our plug-in, at our gateway. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Stage } from "../stage.mjs";
import { spent, trial } from "./trials.mjs";

const stage = await Stage.open();
const CLIENT = "mpp (Rust) → gateway";

/** Buys a page for at most so many fen; says how it ended. */
async function buy(page, most) {
  const words = [stage.key, stage.server, stage.wallet, String(most), `${stage.gateway}/${page}`];
  try {
    return (await promisify(execFile)(process.env.TOLLBRIDGE_MPP_CLIENT, words)).stdout;
  } catch (fault) {
    return fault.stderr;
  }
}

await trial(CLIENT, "pays once, to the fen", async () => {
  const cost = await spent(stage, async () =>
    assert.equal(await buy("cheap.txt", 30), "200\nThis is cheap.txt.\n\n"),
  );
  assert.equal(cost, 30);
});
await trial(CLIENT, "above the cap: refused before we are asked", async () => {
  let asked = 0;
  stage.serverDoor.before = (request) => void (asked += request.url.startsWith("/v1/mpp/pay") ? 1 : 0);
  assert.match(await buy("cheap.txt", 29), /AmountExceedsMax/);
  stage.serverDoor.before = () => undefined;
  assert.equal(asked, 0);
});
await trial(CLIENT, "over the agent's limit: denied, and nothing is spent", async () => {
  const cost = await spent(stage, async () =>
    assert.match(await buy("denied.txt", 1000), /Nothing was spent/),
  );
  assert.equal(cost, 0);
});
await trial(CLIENT, "above the owner's line: she is asked, and nothing is spent", async () => {
  const cost = await spent(stage, async () =>
    assert.match(await buy("asked.txt", 1000), /nothing was spent: the owner is asked/),
  );
  assert.equal(cost, 0);
});
await trial(CLIENT, "four at once from one wallet: four payments", async () => {
  const cost = await spent(stage, async () => {
    const bought = await Promise.all([1, 2, 3, 4].map(() => buy("cheap.txt", 30)));
    assert.ok(bought.every((said) => said.startsWith("200\n")));
  });
  assert.equal(cost, 120);
});

await stage.close();
