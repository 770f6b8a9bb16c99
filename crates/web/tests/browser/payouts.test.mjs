// Payouts: a seller names its bank account, waits a day, has money paid out with a passkey, and sees what the bank said.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stage, VIEWS, fresh } from './stage.mjs';
import { WORDS } from './words.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(() => stage?.close());

// One after the other: the clock is everybody's.
describe('paid out', { concurrency: 1 }, () => {
  for (const [lang, width] of VIEWS) {
    test(`in ${lang} at ${width} px`, async () => {
      const w = WORDS[lang];
      const seller = await stage.person({ lang, width, name: lang === 'zh' ? '小林' : 'Ada' });
      const payee = await sells(seller, w, `Prints ${lang} ${width}`);
      await earns(payee);
      await namesAnAccount(seller, w, payee);
      const first = await paysOut(seller, w, payee);
      await bankAnswers(seller, w, payee, first);
      await isRobbedOfNothing(seller, w, payee);
      await readsWithoutScripts(seller, w, payee);
      await seller.context.close();
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
  await person.follow(w.payouts);
  const said = await person.reads();
  for (const part of [w.noAccount, w.noPayout]) assert.ok(said.includes(part), `${part} in ${said}`);
  assert.equal(await page.getByRole('button', { name: w.payOut, exact: true }).count(), 0, 'nothing to pay out');
  await person.look('payouts-at-first');
  person.settle();
  return payee;
}

/** The operator brings money in, as if buyers had paid. */
async function earns(payee) {
  const made = await (await stage.operator()).post('/v1/transfers', { id: fresh('trf'), from: 'world', to: payee,
    amount: { amount: '9600', asset: 'CNY/2' } });
  assert.equal(made.status, 201, JSON.stringify(made.json));
}

async function namesAnAccount(person, w, payee) {
  const { page } = person;
  await person.goto(`/selling/${payee}/payouts`);
  await page.getByLabel(w.accountHolder).fill('Mulberry & Sons');
  await page.getByLabel(w.accountNumber).fill('12');
  const odd = await person.press(w.nameAccount);
  assert.equal(odd.status(), 422);
  person.settle(/status of 422/);
  await person.goto(`/selling/${payee}/payouts`);
  await page.getByLabel(w.accountHolder).fill('Mulberry & Sons');
  await page.getByLabel(w.accountNumber).fill('DE89 3704 0044 0532 0130 00');
  await person.press(w.nameAccount);
  const said = await person.reads();
  for (const part of ['•••• 3000', 'Mulberry & Sons', w.notYou]) assert.ok(said.includes(part), `${part} in ${said}`);
  assert.ok(!said.includes('3704'), 'the rest of the number is not shown');
  assert.equal(await page.getByRole('button', { name: w.payOut, exact: true }).count(), 0, 'it does not count yet');
  await person.look('payouts-account');
  await stage.advance('25h');
  person.settle();
}

async function paysOut(person, w, payee) {
  const { page } = person;
  await person.goto(`/selling/${payee}/payouts`);
  await page.getByLabel(w.payoutAmount, { exact: true }).fill('96.01');
  const much = await person.press(w.payOut);
  assert.equal(much.status(), 403);
  person.settle(/status of 403/);
  await person.goto(`/selling/${payee}/payouts`);
  await page.getByLabel(w.payoutAmount, { exact: true }).fill('72');
  await person.look('payouts-form');
  // By keyboard: what is typed is sent with Enter, and the passkey confirms it.
  const answered = page.waitForResponse((it) => it.request().method() === 'POST');
  await page.getByLabel(w.payoutAmount, { exact: true }).press('Enter');
  await answered;
  await page.getByText(w.payoutWaits).first().waitFor();
  const said = await person.reads();
  for (const part of ['¥24.00', '¥72.00', '•••• 3000']) assert.ok(said.includes(part), `${part} in ${said}`);
  await person.look('payouts-waiting');
  const [payout] = said.match(/pyo_[0-9A-Z]{26}/);
  person.settle();
  return payout;
}

async function bankAnswers(person, w, payee, payout) {
  const operator = await stage.operator();
  const day = { id: fresh('pob'), asset: 'CNY/2', from: { holder: 'Operator', number: '100020003000' }, on: '2026-12-24' };
  const batch = await operator.post('/v1/payouts/batches', day);
  assert.equal(batch.status, 201, JSON.stringify(batch.json));
  assert.ok(batch.json.payouts.some((it) => it.id === payout));
  await person.goto(`/selling/${payee}/payouts`);
  assert.ok((await person.reads()).includes(w.payoutAtBank));
  const settled = await operator.post(`/v1/payouts/${payout}/settle`, { reference: '<b>TX-4711</b>' },
    fresh('req').slice(4));
  assert.equal(settled.status, 201, JSON.stringify(settled.json));
  await person.goto(`/selling/${payee}/payouts`);
  const said = await person.reads();
  for (const part of [w.payoutPaid, '<b>TX-4711</b>']) assert.ok(said.includes(part), `${part} in ${said}`);
  await person.look('payouts-paid');
  person.settle();
}

/** Somebody else names an account: until tomorrow, payouts still go where they went. */
async function isRobbedOfNothing(person, w, payee) {
  const { page } = person;
  await person.goto(`/selling/${payee}/payouts`);
  await page.getByLabel(w.accountHolder).fill('小偷');
  await page.getByLabel(w.accountNumber).fill('9999 8888 7777 6666');
  await person.press(w.nameAccount);
  const said = await person.reads();
  for (const part of ['•••• 3000', '•••• 6666', '小偷', w.notYou]) assert.ok(said.includes(part), `${part} in ${said}`);
  await person.look('payouts-changed');
  await page.getByLabel(w.payoutAmount, { exact: true }).fill('1');
  await person.press(w.payOut);
  const first = page.locator('ul.rows > li').first();
  assert.match(await first.innerText(), /•••• 3000/);
  await person.go(first.locator('a'));
  assert.match(await person.reads(), /¥1\.00/);
  await person.look('payout-entry');
  await person.goto(`/selling/${payee}/payouts`);
  person.settle();
}

async function readsWithoutScripts(person, w, payee) {
  const wide = await person.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  const cookies = await person.context.cookies();
  const plain = await stage.person({ scripts: false, lang: person.lang, width: 360 });
  await plain.context.addCookies(cookies);
  await plain.goto(`/selling/${payee}/payouts`);
  const said = await plain.reads();
  for (const part of ['¥23.00', w.payoutPaid, '•••• 3000']) assert.ok(said.includes(part), `${part} in ${said}`);
  plain.settle();
  await plain.context.close();
}
