// Rules, from every side: ready ones, sentences with questions, what they would have said, and whose draft it is.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stage, VIEWS, ZONES, fresh } from './stage.mjs';
import { WORDS } from './words.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(() => stage?.close());

for (const [lang, width] of VIEWS) {
  const w = WORDS[lang];
  const someone = async (pictures) => {
    const person = await stage.person({ lang, width, pictures });
    await person.join(w);
    return [person, await person.connect(w, 'Helper')];
  };
  describe(`in ${lang} at ${width} px`, { concurrency: 2 }, () => {
    test(`ready rules do what they say, in ${lang}`, async () => readyRules(...(await someone(40)), w));
    test(`a sentence is asked about, tried on the past, and replaces another, in ${lang}`, async () =>
      sentences(...(await someone(50)), w));
    test(`words are put more clearly where they say the same, in ${lang}`, async () =>
      clearer(...(await someone(60)), w));
    test(`a draft that an agent had a hand in says so, in ${lang}`, async () => drafts(...(await someone(70)), w));
  });
}

/** Shows a ready rule, with amounts in yuan. */
async function chooses(person, w, agent, level, amounts) {
  const { page } = person;
  await person.goto(`/rules?agent=${agent.agent}`);
  await page.locator('summary').getByText(w.readyRules).click();
  const form = page.locator('form[action="/rules/ready"]');
  await form.getByLabel(w.level, { exact: true }).selectOption(level);
  for (const [label, amount] of Object.entries(amounts)) await form.getByLabel(w[label], { exact: true }).fill(amount);
  await person.press(w.seeIt, form);
}

/** The made-up payments of the page: amount, and what would come of it. */
async function examples(page) {
  const rows = await page.locator('tbody tr').all();
  return Promise.all(rows.map(async (row) => [
    await row.locator('data').innerText(), await row.locator('strong').innerText(),
  ]));
}

/** Agrees, and returns the mandate that it made. */
async function agrees(person, w, choice) {
  const { page } = person;
  if (choice) await page.getByLabel(choice).check();
  await person.press(w.agree);
  return newest(page);
}

/** The rule that stands first in the list. */
async function newest(page) {
  return (await page.locator('section.card details code').first().textContent()).trim();
}

/** How each rule of the list stands, newest first. */
async function standings(page) {
  return page.locator('section.card .tag').allInnerTexts();
}

/** What the API answers to a payment: its status, and why not. */
async function pays(agent, payee, minor, mandate, approval) {
  const { status, json } = await agent.pay(payee, minor, { mandate, ...(approval && { approval }) });
  return [status, json.ask ?? json.code ?? json.status, json.id];
}

async function readyRules(person, agent, w) {
  const { page } = person;
  const [kiosk, bakery, tailor] = [await stage.seller('Kiosk'), await stage.seller('Bakery'), await stage.seller('Tailor')];
  const amounts = { small: '1', perPayment: '2', perDay: '50', inTotal: '20', days: '7' };

  // Every payment is asked about.
  await chooses(person, w, agent, 'L0', amounts);
  assert.match(await person.reads(), new RegExp(w.firstRule));
  assert.deepEqual(await examples(page), [['¥1.00', w.asked], ['¥2.00', w.asked], ['¥2.01', w.refused]]);
  await person.look('ready-ask-always');
  const first = await agrees(person, w);
  const [status, why, question] = await pays(agent, kiosk, 50, first);
  assert.deepEqual([status, why], [202, 'ask_always']);
  await person.goto('/approvals');
  await person.press(w.once);
  assert.deepEqual((await pays(agent, kiosk, 50, first, question)).slice(0, 2), [201, 'paid']);

  // Small things at known sellers are paid.
  await chooses(person, w, agent, 'L1', amounts);
  assert.match(await person.reads(), new RegExp(w.wider));
  assert.deepEqual(await examples(page), [
    ['¥1.00', w.allowed], ['¥1.01', w.asked], ['¥2.00', w.asked], ['¥2.01', w.refused], ['¥1.00', w.asked],
  ]);
  // What she types is decided, too, and stays in its field.
  await page.getByLabel(w.tryAmount).fill('1.50');
  await person.press(w.tryIt);
  assert.deepEqual((await examples(page))[0], ['¥1.50', w.asked]);
  assert.equal(await page.getByLabel(w.tryAmount).inputValue(), '1.50');
  await person.look('ready-small-things');
  const second = await agrees(person, w, w.replaces);
  assert.deepEqual(await standings(page), [w.active, w.ended]);
  await person.look('rules-after-replacing');
  assert.deepEqual((await pays(agent, kiosk, 50, first)).slice(0, 2), [403, 'mandate_revoked']);
  assert.deepEqual((await pays(agent, kiosk, 100, second)).slice(0, 2), [201, 'paid']);
  assert.deepEqual((await pays(agent, kiosk, 101, second)).slice(0, 2), [202, 'above_amount']);
  assert.deepEqual((await pays(agent, bakery, 100, second)).slice(0, 2), [202, 'first_contact']);
  assert.deepEqual((await pays(agent, kiosk, 201, second)).slice(0, 2), [403, 'payment_too_large']);

  // One errand: until its budget is spent. All of it: what was spent under earlier rules is not taken from it.
  await chooses(person, w, agent, 'L3', { ...amounts, perPayment: '5', inTotal: '10' });
  await person.look('ready-errand');
  const third = await agrees(person, w, w.replaces);
  assert.deepEqual(await standings(page), [w.active, w.ended, w.ended]);
  assert.deepEqual((await pays(agent, tailor, 500, third)).slice(0, 2), [201, 'paid']);
  assert.deepEqual((await pays(agent, tailor, 500, third)).slice(0, 2), [201, 'paid']);
  assert.deepEqual((await pays(agent, tailor, 1, third)).slice(0, 2), [403, 'total_exceeded']);
  person.settle();
  await person.context.close();
}

/** Types an answer to the first question that is open. */
async function types(person, w, answer) {
  const form = person.page.locator('form[action$="/answer"]').first();
  await form.locator('input[name=typed]').fill(answer);
  return person.press(w.answer, form);
}

/** Reads a sentence. */
async function says(person, w, agent, sentence) {
  await person.goto(`/rules?agent=${agent.agent}`);
  await person.page.getByLabel(w.sentence).fill(sentence);
  await person.press(w.readIt);
}

/** The page of a sentence about snacks, with every question answered. */
async function snacks(person, w, agent, most, total) {
  await says(person, w, agent, w.snacks(most));
  await types(person, w, w.yuan(total));
  await person.page.getByLabel(w.agentChooses).check();
  await person.press(w.answer);
}

async function clearer(person, agent, w) {
  const { page } = person;
  const draft = async (words) => {
    stage.drafts[w.vague] = words;
    await says(person, w, agent, w.vague);
    assert.ok((await person.reads()).includes('127.0.0.1'), 'she is told where her words go');
    await person.press(w.clearer);
  };
  await draft(w.clear.replace('30', '3000'));
  await page.getByRole('alert').getByText(w.noClearer).waitFor();
  assert.doesNotMatch(await person.reads(), /3000/);

  await draft(w.clear);
  const suggested = page.locator('#clearer textarea');
  assert.equal(await suggested.inputValue(), w.clear);
  await person.look('rule-clearer');
  await person.press(w.readIt, page.locator('#clearer'));
  await page.getByLabel(w.agentChooses).check();
  await person.press(w.answer);
  assert.ok((await person.reads()).includes(w.atMostThirtyEach));
}

async function sentences(person, agent, w) {
  const { page } = person;
  const payee = await stage.seller('Snack Bar');
  await chooses(person, w, agent, 'L5', {});
  const everything = await agrees(person, w);
  for (const minor of [50, 150, 300]) assert.equal((await pays(agent, payee, minor, everything))[0], 201);

  await says(person, w, agent, w.snacks(2));
  assert.equal((await types(person, w, w.lots)).status(), 422);
  await page.getByRole('alert').getByText(w.cannotRead).waitFor();
  await person.look('rule-answer-unread');
  assert.equal((await types(person, w, w.yuan(20))).status(), 200);
  await page.getByLabel(w.agentChooses).check();
  await person.press(w.answer);
  const text = await person.reads();
  const until = ` 00:00 (${ZONES[person.lang]})`;
  for (const said of [w.atMostTwoEach, w.askAboveOne, '¥20.00', until, w.narrower, w.rehearsed]) {
    assert.ok(text.includes(said), `${said} is not in ${text}`);
  }
  assert.doesNotMatch(text, /CNY|UTC|代理/);
  // The newest first: what was 3.00 would have been refused, what was 1.50 asked about; 0.50 is no matter.
  const past = page.locator('section.card').filter({ hasText: w.rehearsed });
  assert.deepEqual(await past.locator('p > strong').allInnerTexts(), ['1', '1', '1']);
  const rows = await past.locator('.rows > li').allInnerTexts();
  assert.equal(rows.length, 2);
  assert.match(rows[0], new RegExp(`Snack Bar ${w.refused}[^]*¥3\\.00[^]*${w.atMostTwoEach}`));
  assert.match(rows[1], new RegExp(`Snack Bar ${w.asked}[^]*¥1\\.50[^]*${w.askAboveOne}`));
  assert.ok(await page.getByLabel(w.replaces).isChecked(), 'her own rule replaces the last');
  await person.look('rule-rehearsed');
  const second = await agrees(person, w);
  assert.deepEqual(await standings(page), [w.active, w.ended]);
  assert.deepEqual((await pays(agent, payee, 50, everything)).slice(0, 2), [403, 'mandate_revoked']);
  const came = [];
  for (const minor of [50, 150, 300]) came.push((await pays(agent, payee, minor, second))[0]);
  assert.deepEqual(came, [201, 202, 403], 'what was rehearsed comes to pass');

  await snacks(person, w, agent, 5, 10);
  assert.ok((await person.reads()).includes(w.mixed));
  await snacks(person, w, agent, 4, 20);
  assert.ok((await person.reads()).includes(w.wider));
  await person.look('rule-wider');
  await agrees(person, w, w.keepBoth);
  assert.deepEqual(await standings(page), [w.active, w.active, w.ended]);
  person.settle(/status of 422/);
  await person.context.close();
}

async function drafts(person, agent, w) {
  const { page } = person;
  // Her own draft says nothing of anybody else, until the agent answers for her.
  await says(person, w, agent, w.coffee);
  assert.equal(await page.locator('#not-hers').count(), 0);
  const hers = new URL(page.url()).pathname;
  const question = await page.locator('input[name=question]').first().inputValue();
  const answered = await agent.post(`/v1/intents/${hers.split('/').at(-1)}/answers`, { question, answer: '25' });
  assert.equal(answered.status, 201, JSON.stringify(answered.json));
  await person.goto(hers);
  assert.ok((await page.locator('#not-hers').innerText()).startsWith(w.agentAnswered));
  assert.equal(await page.locator('h2').first().innerText(), w.youSaid);
  await person.look('rule-agent-answered');
  await agrees(person, w);

  const drawn = await agent.draft(`${w.coffee}, ${w.yuan(900)}`);
  assert.equal(drawn.json.drafted_by, agent.agent, JSON.stringify(drawn.json));
  await person.goto(`/rules/${drawn.json.id}`);
  assert.ok((await page.locator('#not-hers').innerText()).startsWith(w.agentDrafted));
  assert.equal(await page.locator('h2').first().innerText(), w.helperSaid);
  assert.equal(await page.locator('input[name=replace]:checked').count(), 0, 'nothing is chosen for her');
  await person.look('rule-agent-drafted');
  // Without a choice nothing is sent.
  await page.getByRole('button', { name: w.agree, exact: true }).click();
  assert.equal(await page.evaluate(() => document.querySelector('input[name=replace]').validity.valueMissing), true);
  assert.equal(new URL(page.url()).pathname, `/rules/${drawn.json.id}`);
  await agrees(person, w, w.keepBoth);
  assert.deepEqual(await standings(page), [w.active, w.active]);
  // Another's draft is nobody's business.
  const stranger = await stage.person({ name: 'Eve' });
  await stranger.join(w === WORDS.zh ? WORDS.en : w);
  const secret = await agent.draft(w.coffee);
  assert.equal((await stranger.goto(`/rules/${secret.json.id}`)).status(), 404);
  assert.equal((await stranger.goto(`/rules/${fresh('int')}`)).status(), 404);
  stranger.settle(/status of 404/);
  await stranger.context.close();
  person.settle();
  await person.context.close();
}
