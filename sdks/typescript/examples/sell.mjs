// What a seller does with a proof: `node sell.mjs`, with the seller's key in TOLLBRIDGE_KEY. One JSON object
// per line of input: {"payment_proof": "…", "facts": {…}}, as the request brought them.
import { createInterface } from "node:readline";
import { Refused, Seller } from "tollbridge";

const seller = await Seller.open();
for await (const line of createInterface({ input: process.stdin })) {
  const { payment_proof: proof, facts } = JSON.parse(line);
  try {
    const paid = await seller.verify(proof, facts);
    console.log(
      `deliver ${paid.resource_id} for ${paid.amount} ${paid.currency}, once for ${paid.delivery_key}`,
    );
    const trade = await seller.confirm(paid.trade_no, "fulfilled");
    console.log(`${trade.trade_no}: ${trade.payment_status}`);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    console.log(`no delivery: ${fault.message} (${fault.code})`);
  }
}
let count = 0;
for await (const _ of seller.client.all("/v1/payments")) count += 1;
console.log(`${count} payments came in so far`);
