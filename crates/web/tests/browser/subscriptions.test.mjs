// Subscriptions: an agent asks for one, its owner sees all of what she agrees to, sees it renewed, and ends it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stage, VIEWS, fresh, until } from './stage.mjs';
import { WORDS } from './words.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(() => stage?.close());

describe('what is paid again by itself', () => {
  for (const [lang, width] of VIEWS) {
    test(`is agreed to once, shown, and ended, in ${lang}`, async () => subscribes(lang, width));
  }
});

async function subscribes(lang, width) {
  const w = WORDS[lang];
  const person = await stage.person({ lang, width, pictures: 90 });
  await person.join(w);
  const agent = await person.connect(w, 'Helper');
  const { page } = person;
  const payee = await stage.seller('Evening Paper');
  const ask = (approval) => agent.post('/v1/subscriptions', {
    id: fresh('sub'), wallet: agent.wallet, payee, price: { amount: '300', asset: 'CNY/2' }, every: { days: 30 },
    zone: 'Asia/Shanghai', grace_seconds: 86_400, document: 'the paper, every evening', ...(approval && { approval }),
  });

  // Her yes is for all of it, and the page says so.
  const asked = await ask();
  assert.equal(asked.status, 202, JSON.stringify(asked.json));
  await person.goto('/approvals');
  const said = await person.reads();
  for (const part of [w.every30, w.untilCancelled, w.paidAgain]) assert.ok(said.includes(part), part);
  await person.look('subscription-asked');
  await person.press(w.agree);
  const made = await ask(asked.json.id);
  assert.equal(made.status, 201, JSON.stringify(made.json));

  await person.goto('/money');
  await person.follow(w.subscriptions);
  assert.match(await person.reads(), /¥3\.00/);
  assert.ok((await person.reads()).includes(w.standingActive));
  await person.look('subscriptions');

  await stage.advance('30d');
  await until(async () => {
    await person.goto('/activity');
    return (await person.reads()).includes(w.renewed);
  });
  await person.goto('/subscriptions');
  await person.press(w.cancelSubscription);
  const over = await person.reads();
  assert.ok(over.includes(w.standingCancelled), over);
  assert.equal(await page.getByRole('button', { name: w.cancelSubscription, exact: true }).count(), 0);
  await person.look('subscriptions-cancelled');
  person.settle();
  await person.context.close();
}
