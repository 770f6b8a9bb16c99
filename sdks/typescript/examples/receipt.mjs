// Keeps the receipt of a payment, and checks it without the server: `node receipt.mjs PAYEE FILE LOG-KEYS`.
// LOG-KEYS is a file with what `GET /log/vkey` said when you first met the server: the key you trust.
import { readFile, writeFile } from "node:fs/promises";
import { ReceiptFalse, verifyReceipt, Wallet } from "tollbridge";

const [payee = "", file = "", keys = ""] = process.argv.slice(2);
const vkey = await readFile(keys, "utf8");
const wallet = await Wallet.open(undefined, undefined, { vkey });
const payment = (await wallet.pay(payee, "0.01 CNY", { purchase: "kept" })).settled();
await writeFile(file, JSON.stringify(await wallet.receipt(payment)));

// From here on nobody is asked.
const receipt = JSON.parse(await readFile(file, "utf8"));
const recorded = await verifyReceipt(receipt, vkey);
console.log(`entry ${recorded.entry} is in ${recorded.origin}, a log of ${recorded.size} entries`);
try {
  await verifyReceipt({ ...receipt, entry: receipt.entry + 1 }, vkey);
} catch (fault) {
  if (!(fault instanceof ReceiptFalse)) throw fault;
  console.log(`another place: ${fault.message} (${fault.code})`);
}
