// Somebody's story who gives coupons: she sees who used one and what it cost her, switches it off, and on again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VIEWS, until } from './stage.mjs';
import { Street, buyWith, demand } from './shop.mjs';
import { WORDS } from './words.mjs';

const street = Street.opened();

const MORE = `
[[price]]
method = "GET"
path = "/charts.txt"
amount = "0.04 CNY"

[[coupon]]
code = "SPRING"
percent_off = 50
budget = "1.00 CNY"

[[coupon]]
code = "OLD"
amount_off = "0.01 CNY"
budget = "1.00 CNY"
once_per_caller = true
until = "2020-01-01T00:00:00Z"
`;

describe('coupons', { concurrency: 2 }, () => {
  for (const [lang, width] of VIEWS) {
    test(`coupons in ${lang} at ${width} px`, async () => {
      const w = WORDS[lang];
      const seller = await street.stage.person({ lang, width, name: lang === 'zh' ? '小林' : 'Sam' });
      const buyer = await street.stage.person({ lang, width, name: lang === 'zh' ? '小文' : 'Wen' });
      await seller.join(w);
      const shop = await street.account(seller, w, `Charts ${lang} ${width}`);
      await seller.goto(`/selling/${shop.payee}`);
      await seller.follow(w.coupons);
      await seller.page.getByText(w.couponNone).waitFor();
      await seller.look('seller-coupons-at-first');
      const url = `${await street.gateway(shop, MORE)}/charts.txt`;
      await buyer.join(w);
      const agent = await buyer.connect(w, 'Helper with a private name');
      await buyer.page.getByLabel(w.perPayment).fill('2');
      await buyer.press(w.save);
      assert.deepEqual([await buyWith(agent, url, 'SPRING'), await buyWith(agent, `${url}?again`, 'SPRING')], [200, 200]);
      assert.equal(await buyWith(agent, `${url}?fail`, 'SPRING'), 502);
      await sees(seller, w, shop.payee);
      await switches(seller, w, shop.payee, url);
      buyer.settle();
      await seller.context.close();
      await buyer.context.close();
    });
  }
});

/** What the page says is what the ledger has: two paid uses, and none of what was not delivered. */
async function sees(person, w, payee) {
  const { page } = person;
  const card = page.locator('.card').filter({ has: page.getByRole('heading', { name: 'SPRING' }) });
  const facts = new RegExp(`${w.couponUsed}\\s+2\\s+${w.couponTook}\\s+¥0\\.04\\s+${w.couponLeft}\\s+¥0\\.96 / ¥1\\.00`);
  await until(async () => {
    await person.goto(`/selling/${payee}/coupons`);
    return (await card.count()) === 1 && facts.test(await card.innerText());
  }, 20_000);
  assert.match(await card.innerText(), new RegExp(w.couponCounts));
  const old = page.locator('.card').filter({ has: page.getByRole('heading', { name: 'OLD' }) });
  assert.match(await old.innerText(), new RegExp(w.couponOver));
  await person.look('seller-coupons');
  await person.go(card.getByRole('link'));
  const lines = page.locator('.rows > li');
  assert.equal(await lines.count(), 2);
  for (const line of await lines.all()) assert.match(await line.innerText(), new RegExp(`agt …[^]*¥0\\.02[^]*${w.couponTook} ¥0\\.02`));
  assert.doesNotMatch(await person.reads(), /private name/);
  await person.look('seller-coupon');
  await person.go(lines.first().getByRole('link'));
  assert.match(await person.reads(), /GET \/charts\.txt with coupon SPRING/);
  person.settle();
}

/** Her gateway hears of it by itself. */
async function switches(person, w, payee, url) {
  const { page } = person;
  await person.goto(`/selling/${payee}/coupons/SPRING`);
  await person.press(w.couponOff);
  await page.getByText(w.couponIsOff, { exact: true }).waitFor();
  await until(async () => (await demand(url, 'SPRING')).said.includes('switched it off'), 20_000);
  await person.look('seller-coupon-off');
  await person.press(w.couponOn);
  await page.getByText(w.couponCounts, { exact: true }).waitFor();
  await until(async () => (await demand(url, 'SPRING')).said.includes('0.02 CNY'), 20_000);
  person.settle();
}
