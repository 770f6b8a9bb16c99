// Two people's story about work that is paid for ahead: it is granted, divided, used and given back, and always adds up.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Program, VIEWS, fresh } from './stage.mjs';
import { Street } from './shop.mjs';
import { WORDS } from './words.mjs';

const street = Street.opened();

describe('quotas', { concurrency: 2 }, () => {
  for (const [lang, width] of VIEWS) {
    test(`quotas in ${lang} at ${width} px`, async () => {
      const w = WORDS[lang];
      const seller = await street.stage.person({ lang, width, name: lang === 'zh' ? '小林' : 'Sam' });
      const buyer = await street.stage.person({ lang, width, name: lang === 'zh' ? '小文' : 'Wen' });
      await seller.join(w);
      const shop = await street.account(seller, w, `Atlas ${lang} ${width}`);
      await buyer.join(w);
      await buyer.goto('/quotas');
      await buyer.page.getByText(w.noQuota).waitFor();
      const agent = await buyer.connect(w, 'Helper with a private name');
      await buyer.page.getByLabel(w.perPayment).fill('20');
      await buyer.press(w.save);
      await grants(seller, w, shop.payee, agent);
      const quota = await divides(buyer, w);
      await uses(shop, quota);
      await addsUp(buyer, w, quota, shop.folder);
      await givesBack(seller, w, shop.payee, quota);
      buyer.settle();
      await seller.context.close();
      await buyer.context.close();
    });
  }
});

/** Ten uses for what was paid, and money to try with. */
async function grants(person, w, payee, agent) {
  const { page } = person;
  const bought = await agent.pay(payee, 1_000);
  assert.equal(bought.status, 201, JSON.stringify(bought.json));
  await person.goto(`/selling/${payee}`);
  await person.follow(w.quotasSold);
  await page.getByText(w.noneGranted).waitFor();
  await person.look('seller-quotas-at-first');
  const grant = async (payment, unit, units, what) => {
    await page.getByLabel(w.grantWallet).fill(agent.wallet);
    await page.getByLabel(w.grantPayment).fill(payment);
    await page.getByLabel(w.grantUnit).selectOption(unit);
    await page.getByLabel(w.howMany, { exact: true }).fill(units);
    await page.getByLabel(w.grantWhat).fill(what);
    return person.press(w.grantDo);
  };
  await grant(bought.json.id, 'count', '10', 'A map of one bay.');
  await grant('', 'nanos', '1.2345', 'Tides, by the second.');
  // A payment is good for one grant.
  assert.equal((await grant(bought.json.id, 'count', '10', 'A map of one bay.')).status(), 403);
  person.settle(/status of 403/);
  await person.goto(`/selling/${payee}/quotas`);
  const owed = page.locator('.card').first();
  assert.match(await owed.innerText(), /10 [^]*¥1\.2345 /);
  assert.equal(await page.locator('.rows > li').count(), 2);
  assert.doesNotMatch(await person.reads(), /private name/);
  await person.look('seller-quotas');
  person.settle();
}

/** Gives four uses to a department and one of them to its agent; returns the names of all three. */
async function divides(person, w) {
  const { page } = person;
  await person.goto('/money');
  await person.go(page.getByRole('link', { name: w.quotas, exact: true }));
  const card = page.locator('.card').filter({ hasText: 'A map of one bay.' });
  assert.match(await card.innerText(), new RegExp(`10 ${w.leftOfAll}`));
  await person.look('quotas');
  await person.go(card.getByRole('link').first());
  const name = () => new URL(page.url()).pathname.split('/').at(-1);
  const give = async (label, units) => {
    await page.getByLabel(w.giveName).fill(label);
    await page.getByLabel(w.howMany).first().fill(units);
    return person.press(w.giveDo);
  };
  const root = name();
  assert.equal((await give('Too many', '11')).status(), 403);
  person.settle(/status of 403/);
  await person.goto(`/quotas/${root}`);
  await give('Drawing', '4');
  await person.follow('Drawing');
  const department = name();
  await page.getByLabel(w.giveAgent).selectOption({ label: 'Helper with a private name' });
  await give('Seat 1', '1');
  await person.follow('Seat 1');
  const seat = name();
  assert.match(await person.reads(), /Helper with a private name/);
  await person.look('quota-of-an-agent');
  person.settle();
  return { root, department, seat };
}

/** The seller's program counts three uses of the whole and one of the seat. */
async function uses(shop, { root, seat }) {
  const seller = await Program.read(street.stage, shop.key);
  for (const [quota, units] of [[root, '3'], [seat, '1']]) {
    const used = await seller.post(`/v1/quotas/${quota}/deductions`, [{ id: fresh('req'), units }]);
    assert.equal(used.json[0].status, 201, JSON.stringify(used.json));
  }
}

/** What came in is what was used and what is left, on the page and in the file. */
async function addsUp(person, w, { root, department }, folder) {
  const { page } = person;
  await person.goto(`/quotas/${root}`);
  const sum = `10 = ${w.usedSum(4)} + ${w.leftSum(6)}`;
  await page.getByText(sum, { exact: true }).waitFor();
  assert.equal(await page.locator('.rows').first().locator('> li').count(), 3);
  await person.look('quota');
  const saved = page.waitForEvent('download');
  await page.getByRole('link', { name: w.report }).click();
  const file = join(folder, 'quota.csv');
  await (await saved).saveAs(file);
  const [head, ...lines] = (await readFile(file, 'utf8')).trim().split('\r\n').map((line) => line.split(','));
  const column = (name) => head.indexOf(name);
  const last = lines.pop();
  for (const name of ['used', 'left']) {
    const all = lines.reduce((all, line) => all + Number(line[column(name)]), 0);
    assert.equal(all, Number(last[column(name)]), name);
  }
  assert.deepEqual([lines.length, last[column('granted')], last[column('used')], last[column('left')]], [3, '10', '4', '6']);
  // Takes two of the department's back, and gives it one of those again.
  await person.goto(`/quotas/${department}`);
  await page.getByLabel(w.howMany).last().fill('2');
  await person.press(w.takeBack);
  await page.locator('input#more').fill('1');
  await person.press(w.giveMore);
  assert.match(await page.locator('.big').first().innerText(), /^2 /);
  await person.goto(`/quotas/${root}`);
  await page.getByText(sum, { exact: true }).waitFor();
  person.settle();
}

/** One use by hand, and given back. */
async function givesBack(person, w, payee, { root }) {
  const { page } = person;
  await person.goto(`/selling/${payee}/quotas/${root}`);
  assert.match(await person.reads(), new RegExp(`6 ${w.owed}`));
  assert.doesNotMatch(await person.reads(), /Drawing|private name/);
  await page.getByLabel(w.howMany).first().fill('2');
  await person.press(w.useUnits);
  assert.match(await page.locator('.big').first().innerText(), /^4 /);
  const newest = page.locator('.rows').last().locator('> li').first();
  await newest.locator('summary').click();
  await newest.locator('input[name=units]').fill('2');
  await person.press(w.giveBack, newest);
  assert.match(await page.locator('.big').first().innerText(), /^6 /);
  await person.look('seller-quota');
  person.settle();
  // Whose it is, and who owes it, each has a page of it; neither has the other's.
  assert.equal((await person.goto(`/quotas/${root}`)).status(), 404);
  person.settle(/status of 404/);
}
