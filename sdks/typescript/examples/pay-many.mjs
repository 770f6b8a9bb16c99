// Pays many at once, in as few requests as there can be: `node pay-many.mjs PAYEE COUNT`.
import { inWords, Wallet } from "tollbridge";

const [payee = "", count = "100"] = process.argv.slice(2);
const wallet = await Wallet.open();
const { available } = await wallet.limits();
console.log(`available ${inWords(available)}`);

const started = performance.now();
// Each has a name in our own books, so running this again pays nothing again.
const payments = await Promise.all(
  Array.from({ length: Number(count) }, (_, row) =>
    wallet.pay(payee, "0.01 CNY", { purchase: `row-${row}` }),
  ),
);
const seconds = (performance.now() - started) / 1_000;
for (const payment of payments) payment.settled();
console.log(`${payments.length} paid in ${seconds.toFixed(2)} s`);
