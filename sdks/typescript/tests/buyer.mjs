/**
 * A buyer as a program of its own, so that it can be killed: `buyer.mjs KEY SERVER PURCHASES URL`, with
 * purchase key `bread`.
 */

import { Wallet } from "tollbridge";

const [key, server, purchases, url] = process.argv.slice(2);
const wallet = await Wallet.open(key, server, { purchases });
const { payment, answer } = await wallet.get(url, { maxPrice: "1.00 CNY", purchase: "bread" });
console.log(JSON.stringify({ state: payment.state, id: payment.id, body: answer?.text() }));
