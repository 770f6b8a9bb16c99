// Somebody's story who looks for a service: she finds one, reads what is known of it, allows its seller, and has it bought.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { VIEWS, run, until } from './stage.mjs';
import { Street } from './shop.mjs';
import { WORDS } from './words.mjs';

const street = Street.opened();

describe('the market', { concurrency: 2 }, () => {
  for (const [lang, width] of VIEWS) {
    test(`services in ${lang} at ${width} px`, async () => {
      const w = WORDS[lang];
      const seller = await street.stage.person({ lang, width, name: lang === 'zh' ? '小林' : 'Sam' });
      const buyer = await street.stage.person({ lang, width, name: lang === 'zh' ? '小文' : 'Wen' });
      const name = `Tide${lang}${width}`;
      await seller.join(w);
      const shop = await street.account(seller, w, `Shore ${lang} ${width}`);
      await offers(shop, `${await street.gateway(shop)}/tides.txt`, name);
      await buyer.join(w);
      await buyer.goto('/');
      await buyer.follow(w.findServices);
      await finds(buyer, w, name);
      const agent = await buyer.connect(w, 'Helper');
      await allows(buyer, w, name, agent);
      await buys(buyer, w, name, agent);
      await isOwn(seller, w, name);
      await seller.context.close();
      await buyer.context.close();
    });
  }
});

/** Puts it on the market, and waits until it is found there. */
async function offers(shop, url, name) {
  const schema = join(shop.folder, 'output.json');
  await writeFile(schema, JSON.stringify({ type: 'string', examples: ['the tide at noon'] }));
  const places = ['--server', street.stage.server, '--key', shop.key];
  const offered = await run(['service', 'offer', url, ...places, '--name', name, '--description', 'When the water comes.',
    '--category', 'tides', '--price', '0.01', '--output-schema', schema]);
  assert.equal(offered.code, 0, offered.err);
  await until(async () => (await run(['service', 'search', name, ...places])).out.includes(name), 20_000);
}

async function finds(person, w, name) {
  const { page } = person;
  const cards = page.locator('.card').filter({ hasText: name });
  const look = async (words, kind, most, asset) => {
    await page.getByRole('searchbox').fill(words);
    await page.getByLabel(w.kind).fill(kind);
    await page.getByLabel(w.priceUpTo).fill(most);
    await page.getByLabel(w.currency).selectOption(asset);
    return person.press(w.show);
  };
  await look(`water ${name}`, '', '', '');
  assert.equal(await cards.count(), 1);
  assert.match(await cards.innerText(), new RegExp(`¥0\\.01[^]*Shore[^]*${w.hostProved}[^]*${w.nobodyBought}`));
  await person.look('market');
  await look(name, 'tides', '0.01', 'CNY');
  assert.equal(await cards.count(), 1);
  assert.equal((await look(name, 'tides', '0.001', 'CNY')).status(), 422);
  await person.goto('/market');
  await look(name, 'maps', '', '');
  await page.getByText(w.nothingLikeThat).waitFor();
  await look(name, '', '1', 'USD');
  await page.getByText(w.nothingLikeThat).waitFor();
  person.settle(/status of 422/);
  await person.goto(`/market?q=${name}`);
  await person.go(cards.getByRole('link').first());
  const said = await person.reads();
  assert.match(said, new RegExp(w.signedPrice));
  assert.match(said, /the tide at noon/);
  await page.getByText(w.noAgentThere).waitFor();
  await person.look('market-service-without-an-agent');
  person.place = new URL(page.url()).pathname;
  person.settle();
}

/** The form for rules has a sentence about this seller, which she reads and agrees to. */
async function allows(person, w, name, agent) {
  const { page } = person;
  await person.goto(`${person.place}?agent=${agent.agent}`);
  await person.look('market-service');
  await person.go(page.getByRole('link', { name: w.drawUp }));
  assert.match(await page.getByLabel(w.sentence).inputValue(), /Shore/);
  await person.look('rules-for-a-seller');
  await person.press(w.readIt);
  await page.getByRole('button', { name: w.agree, exact: true }).waitFor();
  assert.match(await person.reads(), /Shore/);
  await person.look('rule-for-a-seller');
  await person.press(w.agree);
  person.settle();
}

/** The command of the page buys it, as it stands there. */
async function buys(person, w, name, agent) {
  const { page } = person;
  await person.goto(person.place);
  const [program, ...words] = (await page.locator('pre.command').textContent()).trim().split(' ');
  assert.equal(program, 'tollbridge');
  const bought = await run([...words, '--purchases', join(agent.folder, 'purchases')], agent.folder);
  assert.equal(bought.code, 0, bought.err);
  assert.match(bought.out, /the tide at \/tides\.txt/);
  await until(async () => {
    await page.reload();
    const said = await person.reads();
    return said.includes(w.ownPurchases) && said.includes(w.allDelivered);
  });
  await person.look('market-service-bought');
  person.settle();
}

/** To whom it belongs, it is marked. */
async function isOwn(person, w, name) {
  await person.goto(`/market?q=${name}`);
  assert.match(await person.page.locator('.card').filter({ hasText: name }).innerText(), new RegExp(w.yourOwn));
  person.settle();
}
