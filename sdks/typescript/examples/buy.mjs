// Buys one address behind 402, once: `node buy.mjs URL PURCHASE`, with TOLLBRIDGE_KEY and TOLLBRIDGE_SERVER
// set. Kill it, start it again, as often as you like: what `PURCHASE` names is paid for once.
import { TollbridgeError, Wallet } from "tollbridge";

const [url = "", purchase = ""] = process.argv.slice(2);
const wallet = await Wallet.open();
try {
  const { payment, answer } = await wallet.get(url, { maxPrice: "0.50 CNY", purchase });
  console.log(payment.words);
  switch (payment.state) {
    case "free":
    case "paid":
    case "held":
      console.log(answer?.text());
      break;
    case "asked": // The owner reads the question on her pages. After her yes, run this again.
    case "unknown": // Nobody can say yet. Run this again: it asks, and pays nothing twice.
      process.exitCode = 4;
      break;
    case "denied":
    case "returned":
      console.log(`${payment.code}: ${payment.next}`);
      process.exitCode = 3;
  }
} catch (fault) {
  if (!(fault instanceof TollbridgeError)) throw fault;
  console.log(`${fault.message} (${fault.code}, ${fault.next})`);
  process.exitCode = 3;
}
