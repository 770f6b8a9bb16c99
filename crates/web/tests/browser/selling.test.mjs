// Somebody's story who sells: she opens an account, gives her service a key, sells, sees it, and gives money back.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Street, freePort } from './shop.mjs';
import { VIEWS, run, until } from './stage.mjs';
import { WORDS } from './words.mjs';

const street = Street.opened();
const told = [];
// An unmodified service: three pages, and no idea of money.
let upstream;
before(async () => {
  upstream = await street.service((request, response) => {
    if (request.method === 'POST') told.push(request.url);
    response.end(`the tide at ${request.url}\n`);
  });
});

const OPENAPI = 'openapi: 3.1.0\npaths:\n  /tides.txt:\n    get: {}\n  /health:\n    get: {}\n';

describe('a seller', { concurrency: 2 }, () => {
  for (const [lang, width] of VIEWS) {
    test(`in ${lang} at ${width} px`, async () => {
      const w = WORDS[lang];
      const seller = await street.stage.person({ lang, width, name: lang === 'zh' ? '小林' : 'Sam' });
      const buyer = await street.stage.person({ lang, width, name: lang === 'zh' ? '小文' : 'Wen' });
      const payee = await opens(seller, w, `Tides ${lang} ${width}`);
      const folder = await seller.folderOfKey(w);
      const gateway = await serves(folder);
      const agent = await connects(buyer, w);
      await sells(seller, w, payee, agent, gateway);
      await looksBack(seller, w, payee, agent, folder);
      await givesBack(seller, w, payee);
      await equalsTheBook(seller, w, payee);
      await isFound(seller, w, payee, gateway, `Tides ${lang} ${width}`);
      await isTold(seller, w, payee, agent);
      await seesBills(seller, w, payee);
      await endsTheKey(seller, w, payee, agent, gateway);
      await changesDevice(seller, w, payee);
      await seller.context.close();
      await buyer.context.close();
    });
  }
});

/** Becomes a seller; returns the account's name in addresses. */
async function opens(person, w, name) {
  const { page } = person;
  await person.join(w);
  await person.goto('/account');
  assert.equal(await page.locator('nav').getByRole('link', { name: w.selling, exact: true }).count(), 0);
  await person.follow(w.becomeSeller);
  await person.look('become-seller');
  await page.getByLabel(w.sellerName).fill(name);
  await page.getByLabel(w.domain).fill('tides.example');
  await person.press(w.openAccount);
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  const [, payee] = new URL(page.url()).pathname.match(/^\/selling\/(pye_[0-9A-Z]{26})\/keys$/);
  assert.equal(await page.locator('.rows > li').count(), 1);
  assert.match(await person.reads(), new RegExp(w.yourPasskey));
  await person.look('seller-keys-at-first');
  await person.follow(w.selling);
  assert.match(await person.reads(), new RegExp(w.nothingSold));
  await person.look('seller-at-first');
  person.settle();

  // The same name again is refused, and nothing is opened.
  await person.goto('/selling/new');
  await page.getByLabel(w.sellerName).fill(name.toUpperCase());
  const answer = await person.press(w.openAccount);
  assert.equal(answer.status(), 422);
  assert.match(await person.reads(), new RegExp(w.nameTaken));
  await person.look('seller-name-taken');
  person.settle(/status of 422/);
  await person.goto(`/selling/${payee}/keys`);
  // Draws a key as the page says, and adds it.
  person.folderOfKey = async () => {
    const folder = join(street.stage.folder, payee);
    const [program, ...words] = (await page.locator('pre').first().textContent()).trim().split(' ');
    assert.equal(program, 'tollbridge');
    await writeFile(join(street.stage.folder, `${payee}.yaml`), OPENAPI);
    words[words.indexOf('--save') + 1] = join(folder, 'seller.json');
    const drawn = await run([...words, '--json']);
    assert.equal(drawn.code, 0, drawn.err);
    await page.getByLabel(w.pasteLine).fill(JSON.parse(drawn.out).line);
    await person.press(w.addKey);
    await page.getByText(w.ofProgram).waitFor();
    assert.equal(await page.locator('.rows > li').count(), 2);
    await person.look('seller-keys');
    // The second command of the page, for a service of ours.
    const [, ...init] = (await page.locator('pre').last().textContent()).trim().split(' ');
    const set = (name, value) => (init[init.indexOf(name) + 1] = value);
    set('--upstream', upstream);
    set('--openapi', join(street.stage.folder, `${payee}.yaml`));
    const port = await freePort();
    init.push('--public-url', `http://127.0.0.1:${port}`);
    const made = await run(init, folder);
    assert.equal(made.code, 0, made.err);
    person.settle();
    return { folder, port };
  };
  return payee;
}

/** Starts what the page suggested. */
async function serves({ folder, port }) {
  await street.start(folder, port);
  return { url: `http://127.0.0.1:${port}/tides.txt` };
}

/** Somebody else's agent, with a limit for each payment. */
async function connects(person, w) {
  await person.join(w);
  const agent = await person.connect(w, 'Helper with a private name');
  await person.page.getByLabel(w.perPayment).fill('2');
  await person.press(w.save);
  person.settle();
  return agent;
}

async function sells(person, w, payee, agent, gateway) {
  const { page } = person;
  await person.goto(`/selling/${payee}`);
  for (const purchase of ['one', 'two', 'three']) {
    const bought = await agent.buy(gateway.url, `tide-${purchase}`);
    assert.equal(bought.code, 0, bought.err);
    assert.equal(JSON.parse(bought.out).status, 200);
  }
  // Sales appear by themselves on the page that is open.
  await page.locator('.big').getByText('¥0.03').first().waitFor({ timeout: 3_000 });
  assert.equal((await agent.pay(payee, 150, { category: 'charts' })).status, 201);
  assert.equal((await agent.pay(payee, 201)).status, 403);
  await page.locator('.big').getByText('¥1.53').first().waitFor({ timeout: 3_000 });
  await person.goto(`/selling/${payee}?days=1`);
  const said = await person.reads();
  assert.match(said, new RegExp(w.rareCauses));
  assert.match(said, /charts/);
  assert.match(said, /GET \/tides\.txt\s+¥0\.03/);
  assert.doesNotMatch(said, /private name/);
  await person.look('seller');
  person.settle();
}

async function looksBack(person, w, payee, agent, { folder }) {
  const { page } = person;
  await person.goto(`/selling/${payee}`);
  await person.follow(w.sales);
  const lines = page.locator('.rows > li');
  assert.equal(await lines.count(), 4);
  await person.look('seller-sales');
  await page.getByRole('searchbox').fill('charts');
  await person.press(w.show);
  assert.equal(await lines.count(), 1);
  assert.match(await lines.first().innerText(), new RegExp(`^${w.paid} · charts[^]*¥1\\.50`));
  const file = async (link, name) => {
    const saved = page.waitForEvent('download');
    await page.getByRole('link', { name: link }).click();
    await (await saved).saveAs(join(folder, name));
    return join(folder, name);
  };
  const csv = (await readFile(await file(w.csvOfThese, 'sales.csv'), 'utf8')).trim().split('\r\n');
  assert.equal(csv.length, 2);
  assert.match(csv[1], /,paid,1\.50,1\.50,0\.00,0\.00,0\.00,1\.50,CNY,agt_[0-9A-Z]{26},"charts",$/);
  await person.go(lines.first().getByRole('link'));
  assert.match(await person.reads(), new RegExp(agent.agent));
  await person.look('seller-sale');
  const receipt = await file(w.receipt, 'receipt.json');
  const verified = await run(['verify', receipt, '--data', street.stage.book]);
  assert.equal(verified.code, 0, verified.err);
  person.settle();
}

async function givesBack(person, w, payee) {
  const { page } = person;
  await person.goto(`/selling/${payee}/sales?q=charts`);
  await person.go(page.locator('.rows > li').first().getByRole('link'));
  await page.getByLabel(w.atMost150).fill('0.50');
  await person.press(w.refund);
  await page.getByText(w.refundedInPart).waitFor();
  assert.match(await person.reads(), /¥0\.50/);
  await person.look('seller-sale-refunded-in-part');
  // What is left is in the field already.
  await person.press(w.refund);
  await page.getByText(w.nothingLeft).waitFor();
  await person.look('seller-sale-refunded');
  await person.goto(`/selling/${payee}/sales`);
  const last = page.locator('.rows > li').last();
  await person.go(last.getByRole('link'));
  await person.press(w.refund);
  await page.getByText(w.nothingLeft).waitFor();
  person.settle();
}

/** What the page says is what the exported book adds up to. */
async function equalsTheBook(person, w, payee) {
  const { page } = person;
  await person.goto(`/selling/${payee}?days=all`);
  const shown = await page.locator('.card').filter({ hasText: w.leftForYou }).locator('.big data').getAttribute('value');
  const balance = await page.locator('.card').filter({ hasText: w.inTheAccount }).locator('.big data').getAttribute('value');
  const exported = await run(['export', street.stage.book, '--beancount']);
  assert.equal(exported.code, 0, exported.err);
  const account = `Liabilities:Payees:${payee.slice(4)}`;
  const postings = [...exported.out.matchAll(new RegExp(`^  ${account}  (-?)([0-9]+)\\.([0-9]{2}) CNY$`, 'gm'))];
  const cents = postings.map(([, sign, whole, part]) => Number(`${sign}${whole}${part}`));
  // Liabilities are credited, which is below zero there.
  const sum = -cents.reduce((all, it) => all + it, 0);
  assert.equal(postings.length, 7);
  assert.deepEqual([shown, balance], [`${sum} CNY/2`, `${sum} CNY/2`]);
  assert.equal(sum, 2);
  await person.look('seller-after-refunds');
  person.settle();
}

/** A program of hers is told what comes in, and she sees how that went. */
/** Offers the service on the market; it is shown once the server has seen that it asks for that price. */
async function isFound(person, w, payee, gateway, name) {
  const { page } = person;
  await person.goto(`/selling/${payee}`);
  await person.follow(w.services);
  await page.getByText(w.serviceNone).waitFor();
  const offers = async (price) => {
    await page.getByLabel(w.serviceName, { exact: true }).fill(name);
    await page.getByLabel(w.serviceDescription, { exact: true }).fill('When the water comes.');
    await page.getByLabel(w.serviceCategory).fill('tides');
    await page.getByLabel(w.serviceUrl).fill(gateway.url);
    await page.getByLabel(w.servicePrice).fill(price);
    await person.look(`seller-services-${price}`);
    return person.press(w.serviceAdd);
  };
  const line = page.locator('.rows > li').filter({ hasText: name });
  const becomes = (state, place) =>
    until(async () => {
      await page.reload();
      return (await line.nth(place).innerText()).includes(state);
    }, 15_000);
  assert.equal((await offers('0')).status(), 422);
  person.settle(/status of 422/);
  await person.goto(`/selling/${payee}/services`);
  await offers('0.02');
  await becomes(w.servicePriceDiffers, 0);
  await offers('0.01');
  await becomes(w.serviceOpen, 1);
  assert.match(await line.nth(1).innerText(), new RegExp(w.serviceProved));
  await person.look('seller-services');
  await person.press(w.serviceEnd, line.nth(1));
  await line.nth(1).getByText(w.serviceWithdrawn).waitFor();
  person.settle();
}

async function isTold(person, w, payee, agent) {
  const { page } = person;
  await person.goto(`/selling/${payee}`);
  await person.follow(w.webhooks);
  await person.look('seller-webhooks-at-first');
  const url = `${upstream}/told-${payee}`;
  await page.getByLabel(w.webhookUrl).fill(url);
  await person.press(w.webhookAdd);
  await page.getByRole('heading', { name: url }).waitFor();
  const times = () => told.filter((it) => url.endsWith(it)).length;
  await person.press(w.webhookTest);
  await until(() => times() === 1);
  assert.equal((await agent.pay(payee, 7)).status, 201);
  await until(() => times() === 2);
  await until(async () => {
    await page.reload();
    return (await page.locator('.rows > li').filter({ hasText: w.deliveryTaken }).count()) === 2;
  });
  const sale = page.locator('.rows > li').filter({ hasText: 'payment.paid' });
  await person.press(w.deliveryAgain, sale);
  await until(() => times() === 3);
  await person.press(w.webhookSecret);
  assert.match(await page.locator('pre').textContent(), /^whsec_/);
  await person.look('seller-webhook');
  await person.goto(`/selling/${payee}/webhooks`);
  await person.go(page.locator('.rows > li a'));
  await person.press(w.webhookEnd);
  await page.getByText(w.webhookNone).waitFor();
  person.settle();
}

/** The gateway reports by itself how many bills it made. */
async function seesBills(person, w, payee) {
  const bills = new RegExp(`${w.billsMade}\\s+3\\s+${w.billsPaid}\\s+3 · 100\\.0 %`);
  await until(async () => {
    await person.goto(`/selling/${payee}`);
    return bills.test(await person.reads());
  }, 15_000);
  await person.look('seller-with-bills');
  person.settle();
}

async function endsTheKey(person, w, payee, agent, gateway) {
  const { page } = person;
  await person.goto(`/selling/${payee}/keys`);
  const row = page.locator('.rows > li').filter({ hasText: w.ofProgram });
  assert.match(await row.innerText(), new RegExp(w.lastUsed));
  await person.press(w.endKey, row);
  await row.getByText(w.keyEnded, { exact: true }).waitFor();
  await person.look('seller-keys-ended');
  const refused = await agent.buy(gateway.url, 'tide-after');
  assert.notEqual(refused.code, 0);
  await person.goto(`/selling/${payee}/sales`);
  assert.equal(await page.locator('.rows > li').count(), 5);
  // One more account, and the first is still found.
  await person.goto('/selling/new');
  await page.getByLabel(w.sellerName).fill(`Charts ${person.lang} ${person.width}`);
  await person.press(w.openAccount);
  await page.getByLabel(w.whichAccount).selectOption(payee);
  await person.press(w.show);
  await until(async () => new URL(page.url()).pathname === `/selling/${payee}`);
  await person.look('seller-of-two-accounts');
  person.settle();
}

/** A newer passkey acts for the account as well, and one that is removed no longer does. */
async function changesDevice(person, w, payee) {
  const { page } = person;
  await person.goto('/account');
  await person.press(w.addPasskey);
  await page.getByLabel(w.deviceName).fill('Phone');
  await person.takeDevice();
  await person.press(w.addPasskey);
  await person.goto(`/selling/${payee}/sales?state=paid`);
  await person.go(page.locator('.rows > li').first().getByRole('link'));
  await person.press(w.refund);
  await page.getByText(w.nothingLeft).waitFor();
  await person.goto(`/selling/${payee}/keys`);
  const active = page.getByRole('button', { name: w.endKey, exact: true });
  assert.equal(await active.count(), 2);
  await person.goto('/account');
  await person.press(w.remove, page.locator('.rows > li').first());
  await person.press(w.logIn);
  await person.goto(`/selling/${payee}/keys`);
  assert.equal(await active.count(), 1);
  assert.match(await page.locator('.rows > li').filter({ has: active }).innerText(), new RegExp(w.yourPasskey));
  await person.look('seller-keys-of-another-device');
  person.settle();
}
