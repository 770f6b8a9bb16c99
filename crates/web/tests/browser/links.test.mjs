// Payment links: a creator asks for tips and for a price, strangers read it, a person pays with a passkey, an agent asks.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stage, VIEWS, fresh, until } from './stage.mjs';
import { WORDS } from './words.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(() => stage?.close());

describe('asked for by a link', { concurrency: 2 }, () => {
  for (const [lang, width] of VIEWS) {
    test(`in ${lang} at ${width} px`, async () => {
      const w = WORDS[lang];
      const seller = await stage.person({ lang, width, name: lang === 'zh' ? '小林' : 'Ada', pictures: 100 });
      const buyer = await stage.person({ lang, width, name: lang === 'zh' ? '小文' : 'Wen', pictures: 120 });
      const payee = await sells(seller, w, `Drawings ${lang} ${width}`);
      const tip = await opens(seller, w, payee, { what: 'A tip for the cat', least: '0.01', most: '200', person: true });
      const price = await opens(seller, w, payee, { what: 'One drawing', least: '7', uses: '1' });
      await anybodyReads(seller, w, tip);
      await pays(buyer, w, price);
      await tips(buyer, w, tip);
      await agentAsks(buyer, w, tip);
      await looksAndCloses(seller, w, payee, tip);
      await isOver(buyer, w, tip);
      await seller.context.close();
      await buyer.context.close();
    });
  }
});

async function sells(person, w, name) {
  const { page } = person;
  await person.join(w);
  await person.goto('/selling/new');
  await page.getByLabel(w.sellerName).fill(name);
  await person.press(w.openAccount);
  const [, payee] = new URL(page.url()).pathname.match(/^\/selling\/(pye_[0-9A-Z]{26})\/keys$/);
  await person.follow(w.links);
  assert.ok((await person.reads()).includes(w.noLink));
  await person.look('links-at-first');
  person.settle();
  return payee;
}

/** Opens a link on the seller's page; returns its name. */
async function opens(person, w, payee, { what, least, most = '', uses = '', person: isTip }) {
  const { page } = person;
  await person.goto(`/selling/${payee}/links`);
  await page.getByLabel(w.linkWhat).fill(what);
  await page.getByLabel(w.linkLeast).fill(least);
  await page.getByLabel(w.linkMost).fill('0.001');
  const odd = await person.press(w.openLink);
  assert.equal(odd.status(), 422);
  person.settle(/status of 422/);
  await person.goto(`/selling/${payee}/links`);
  await page.getByLabel(w.linkWhat).fill(what);
  await page.getByLabel(w.linkLeast).fill(least);
  await page.getByLabel(w.linkMost).fill(most);
  await page.getByLabel(w.linkUses).fill(uses);
  if (isTip) await page.getByLabel(w.linkPerson).check();
  await person.press(w.openLink);
  const card = page.locator('section', { has: page.getByRole('heading', { name: what }) });
  await card.locator('summary').first().click();
  assert.equal(await card.locator('.qr svg path').count(), 1);
  await person.look(isTip ? 'links-tip' : 'links-price');
  person.settle();
  const address = await card.locator('a code').innerText();
  assert.ok(address.startsWith(`${stage.origin}/pay/lnk_`), address);
  return new URL(address).pathname;
}

/** Whoever has the address reads it, without scripts and without logging in. */
async function anybodyReads(seller, w, link) {
  const plain = await stage.person({ scripts: false, lang: seller.lang, width: 360 });
  const policy = (await plain.goto(link)).headers()['content-security-policy'];
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
  const said = await plain.reads();
  for (const part of ['A tip for the cat', '¥0.01', '¥200.00', `Drawings ${seller.lang} ${seller.width}`, w.personConfirms]) {
    assert.ok(said.includes(part), `${part} in ${said}`);
  }
  const wide = await plain.page.evaluate(() => document.documentElement.scrollWidth - innerWidth).catch(() => 0);
  assert.ok(wide <= 0, `${wide} px too wide`);
  assert.equal(await plain.page.locator('.qr svg').count(), 1);
  assert.equal((await plain.goto('/pay/lnk_01KAZ0A3C0ET1N8R7P6QGX5W9D')).status(), 404);
  plain.settle(/status of 404/);
  await plain.context.close();
}

async function pays(person, w, link) {
  const { page } = person;
  await person.join(w);
  await person.goto('/account');
  await person.press(w.logOut);
  await person.goto(link);
  await person.look('pay-stranger');
  await person.follow(w.logInToPay);
  await person.press(w.logIn);
  assert.equal(new URL(page.url()).pathname, link, 'back where she wanted to go');
  assert.equal(await page.getByLabel(w.payAmount, { exact: true }).count(), 0, 'the price is the link\'s');
  await person.look('pay');
  await person.press(w.pay);
  assert.match(new URL(page.url()).pathname, /^\/activity\/\d+$/);
  assert.match(await person.reads(), /¥7\.00/);
  assert.equal(await page.getByRole('link', { name: w.receipt }).count(), 1);
  await person.look('paid');
  await person.goto(link);
  assert.ok((await person.reads()).includes(w.paidUp));
  assert.equal(await page.getByRole('button', { name: w.pay, exact: true }).count(), 0);
  await person.look('pay-used');
  person.settle();
}

async function tips(person, w, link) {
  const { page } = person;
  await person.goto(link);
  await page.getByLabel(w.payAmount, { exact: true }).fill('200.01');
  const answer = await person.press(w.pay);
  assert.equal(answer.status(), 422);
  assert.ok((await person.reads()).includes(w.notWithin));
  person.settle(/status of 422/);
  await person.goto(link);
  await page.getByLabel(w.payAmount, { exact: true }).fill('5');
  await page.getByLabel(w.payMessage).fill('<b>Thank you</b> for the cat');
  await person.look('pay-tip');
  // By keyboard: what is typed is sent with Enter, and the passkey confirms it.
  await Promise.all([page.waitForURL(/\/activity\/\d+$/), page.getByLabel(w.payMessage).press('Enter')]);
  await page.waitForLoadState('load');
  assert.match(await person.reads(), /¥5\.00/);
  person.settle();
}

/** An agent asks for a tip; its owner sees what it would say, and cannot say yes for longer. */
async function agentAsks(person, w, link) {
  const { page } = person;
  const agent = await person.connect(w, 'Helper');
  const name = link.split('/').pop();
  const ask = (approval) => agent.post(`/v1/links/${name}/pay`, { id: fresh('pay'), wallet: agent.wallet,
    amount: { amount: '300', asset: 'CNY/2' }, message: 'From the helper', ...(approval && { approval }) });
  const asked = await ask();
  assert.equal(asked.status, 202, JSON.stringify(asked.json));
  assert.equal(asked.json.ask, 'person_required');
  await person.goto('/approvals');
  const said = await person.reads();
  for (const part of ['From the helper', 'A tip for the cat', '¥3.00']) assert.ok(said.includes(part), part);
  assert.equal(await page.getByRole('button', { name: w.restOfToday, exact: true }).count(), 0);
  await person.look('tip-asked');
  await person.press(w.once);
  const made = await ask(asked.json.id);
  assert.equal(made.status, 201, JSON.stringify(made.json));
  person.settle();
}

async function looksAndCloses(person, w, payee, link) {
  const { page } = person;
  await person.goto(`/selling/${payee}/links`);
  const card = page.locator('section', { has: page.getByRole('heading', { name: 'A tip for the cat' }) });
  const said = await card.innerText();
  for (const part of ['<b>Thank you</b> for the cat', 'From the helper', '¥5.00', '¥8.00']) assert.ok(said.includes(part), part);
  await person.look('links-paid');
  await person.press(w.closeLink, card);
  assert.ok((await card.innerText()).includes(w.linkClosed));
  assert.equal(await page.locator(`a[href="${link}"]`).count(), 1);
  person.settle();
}

async function isOver(person, w, link) {
  await until(async () => {
    await person.goto(link);
    return (await person.reads()).includes(w.closedBySeller);
  });
  assert.equal(await person.page.locator('.qr').count(), 0);
  await person.look('pay-closed');
  person.settle();
}
