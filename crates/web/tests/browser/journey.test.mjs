// An owner's whole story, as she lives it: in both languages, on a phone and on a desk.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Connecting, Stage, VIEWS, run, until } from './stage.mjs';
import { WORDS } from './words.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(() => stage?.close());

describe('an owner', { concurrency: 2 }, () => {
  for (const [lang, width] of VIEWS) {
    test(`in ${lang} at ${width} px`, async () => {
      const person = await stage.person({ lang, width, name: lang === 'zh' ? '小文' : 'Wen' });
      const w = WORDS[lang];
      const code = await joins(person, w);
      const agent = await connects(person, w);
      await isAsked(person, w, agent);
      await setsLimits(person, w, agent);
      await freezes(person, w, agent);
      await looksBack(person, w, agent);
      await ruleHolds(person, w, agent);
      await pausesAndEnds(person, w, agent);
      await managesMoney(person, w, agent);
      await changesDevices(person, w);
      await comesBack(person, w, code);
      await person.context.close();
    });
  }
});

async function joins(person, w) {
  const invitation = await stage.invite();
  await person.goto('/');
  await person.look('log-in');
  await person.goto(invitation);
  await person.look('join');
  await person.page.getByLabel(w.yourName).fill(person.name);
  await person.press(w.createWallet);
  const code = (await person.page.locator('.code').textContent()).trim();
  assert.match(code, /^([0-9A-Z]{5}-){7}[0-9A-Z]{4}$/);
  await person.look('recovery-code');
  await person.follow(w.codeKept);
  assert.match(await person.reads(), /¥1,000\.00/);
  await person.look('overview-at-first');
  // The link is good once.
  const friend = await stage.person({ lang: person.lang, width: person.width, pictures: person.pictures });
  await friend.goto(invitation);
  assert.equal(await friend.page.getByRole('button', { name: w.createWallet, exact: true }).count(), 0);
  await friend.look('invitation-over');
  friend.settle(/status of 410/);
  await friend.context.close();
  person.pictures = friend.pictures;
  person.settle();
  return code;
}

async function connects(person, w) {
  const { page } = person;
  await person.goto('/');
  await person.follow(w.firstConnect);
  await person.look('connect');
  const command = await page.locator('pre').textContent();
  const asking = await Connecting.start(stage, command, 'Assistant on the laptop');
  // The page shows by itself who asks, and the words of both sides are the same.
  assert.equal((await page.locator('.phrase').textContent()).trim(), asking.phrase);
  await person.look('connect-asked');
  await person.press(w.connect);
  const agent = await asking.agent();
  assert.match(await page.locator('h1').innerText(), /Assistant on the laptop/);
  await person.look('agent-at-first');

  await person.goto('/agents');
  await person.follow(w.connectAgent);
  const stranger = await Connecting.start(stage, await page.locator('pre').textContent(), 'Somebody else');
  await page.getByText(stranger.phrase, { exact: true }).waitFor();
  await person.press(w.notMine);
  assert.equal(await stranger.ended, 3);
  await person.goto('/agents');
  assert.doesNotMatch(await person.reads(), /Somebody else/);
  person.settle();
  return agent;
}

async function isAsked(person, w, agent) {
  const { page } = person;
  const [weather, library] = stage.sellers;
  await person.goto('/');
  const asked = await agent.buy(weather, 'weather', 'to pack for tomorrow');
  assert.equal(asked.code, 4, asked.err);
  // The count in the navigation and the note appear on the page that is open.
  await page.locator('nav .count').getByText('1').waitFor({ timeout: 1_000 });
  await person.look('overview-asked');
  await person.follow(w.approvals);
  await page.getByText('¥0.01').waitFor();
  assert.match(await page.locator('.claim').innerText(), new RegExp(`^to pack for tomorrow\\s+${w.unchecked}$`));
  await person.look('approvals');

  const second = await person.open();
  await second.goto(`${stage.origin}/approvals`);
  await second.getByRole('button', { name: w.once, exact: true }).waitFor();
  await person.press(w.once);
  const answered = Date.now();
  const told = second.getByText(w.nothingWaits).waitFor({ timeout: 1_000 });
  const paid = until(async () => (await agent.buy(weather, 'weather')).code === 0, 2_000);
  await Promise.all([told, paid]);
  assert.ok(Date.now() - answered < 2_000, 'the agent learned it late');
  await second.close();

  assert.equal((await agent.buy(library, 'library')).code, 4);
  await page.getByText('¥0.30').waitFor();
  await person.press(w.refuse);
  assert.equal((await agent.buy(library, 'library')).code, 3);
  await person.look('approvals-answered');
  // For the rest of today the same seller is paid as much without a question; nobody else is.
  assert.equal((await agent.buy(weather, 'weather-today')).code, 4);
  await page.getByText('¥0.01').first().waitFor();
  await person.press(w.restOfToday);
  await until(async () => (await agent.buy(weather, 'weather-today')).code === 0, 2_000);
  assert.equal((await agent.buy(weather, 'weather-today-2')).code, 0);
  assert.equal((await agent.buy(library, 'library-today')).code, 4);
  await page.getByText('¥0.30').first().waitFor();
  await person.press(w.refuse);
  await person.goto('/');
  assert.match(await person.reads(), /¥999\.97/);
  person.settle();
}

async function setsLimits(person, w, agent) {
  const { page } = person;
  const [weather, library] = stage.sellers;
  await person.goto(`/agents/${agent.agent}`);
  await page.getByLabel(w.perPayment).fill('0.20');
  await page.getByLabel(w.perDay).fill('5');
  await person.press(w.save);
  await page.getByText(w.atMostEach).waitFor();
  await person.look('agent-with-limits');
  assert.equal((await agent.buy(weather, 'weather-2')).code, 0);
  assert.equal((await agent.buy(library, 'library-2')).code, 3);
  await person.goto('/');
  await person.look('overview');
  await person.goto('/agents');
  await person.look('agents');
  person.settle();
}

async function freezes(person, w, agent) {
  const { page } = person;
  const [weather] = stage.sellers;
  const second = await person.open();
  await second.goto(`${stage.origin}/activity`);
  await person.goto('/money');
  await person.press(w.freeze);
  await page.getByText(w.frozen).waitFor();
  // Every other page that is open says so, too.
  await second.getByText(w.frozen).waitFor({ timeout: 1_000 });
  await second.close();
  await person.look('frozen');
  const refused = await agent.buy(weather, 'weather-3');
  assert.equal(refused.code, 3, refused.err);
  await person.press(w.unfreeze);
  assert.equal(await page.getByText(w.frozen).count(), 0);
  assert.equal((await agent.buy(weather, 'weather-4')).code, 0);
  person.settle();
}

async function looksBack(person, w, agent) {
  const { page } = person;
  await person.goto('/activity');
  await person.look('activity');
  await page.getByRole('searchbox').fill('libr');
  await page.locator('select[name=kind]').selectOption({ label: w.refusedFilter });
  await person.press(w.show);
  const lines = page.locator('.rows > li');
  assert.ok((await lines.count()) >= 1);
  for (const line of await lines.all()) assert.match(await line.innerText(), /library/);
  await person.look('activity-search');
  await person.go(lines.first().getByRole('link'));
  assert.match(await person.reads(), new RegExp(w.tooLarge.source ?? w.tooLarge, 'i'));
  assert.match(await person.reads(), new RegExp(w.atMostEach));
  await person.look('decision-refused');

  await person.goto('/activity?q=weather&kind=paid');
  assert.equal(await lines.count(), 5);
  // One line for each purchase, whatever became of it since.
  assert.match(await lines.first().innerText(), new RegExp(`^${w.paid} · weather[^]*¥0\\.01[^]*${w.delivered}`));
  await person.go(lines.last().getByRole('link'));
  assert.match(await person.reads(), new RegExp(w.youApproved));
  assert.match(await person.reads(), new RegExp(`${w.agentSays}\\s+to pack for tomorrow`));
  await person.look('decision-paid');
  const saved = page.waitForEvent('download');
  await page.getByRole('link', { name: w.receipt }).click();
  const file = join(agent.folder, 'receipt.json');
  await (await saved).saveAs(file);
  const verified = await run(['verify', file, '--data', stage.book]);
  assert.equal(verified.code, 0, verified.err);
  const receipt = JSON.parse(await readFile(file, 'utf8'));
  const forged = join(agent.folder, 'forged.json');
  await writeFile(forged, JSON.stringify({ ...receipt, entry: receipt.entry - 1 }));
  assert.notEqual((await run(['verify', forged, '--data', stage.book])).code, 0);

  await page.locator('summary').getByText(w.wrong).click();
  await page.getByLabel(w.tooMuch).check();
  await page.getByLabel(w.inYourWords).fill('It was cheaper yesterday.\nTwice.');
  await person.look('something-wrong');
  await person.press(w.keepIt);
  assert.match(await person.reads(), /It was cheaper yesterday\.\s+Twice\./);
  await person.look('said-what-is-wrong');
  person.settle();
}

async function ruleHolds(person, w, agent) {
  const { page } = person;
  await person.goto('/rules');
  await person.look('rules-at-first');
  await page.getByLabel(w.sentence).fill(w.mayBuy);
  await person.press(w.readIt);
  await person.look('rule-asks');
  await page.getByLabel(w.agentChooses).check();
  await person.press(w.answer);
  await person.look('rule');
  await person.press(w.agree);
  await person.goto('/rules');
  assert.match(await person.reads(), /¥5\.00/);
  await person.look('rules');
  await person.goto(`/agents/${agent.agent}`);
  assert.match(await person.reads(), /¥5\.00/);
  person.settle();
}

async function pausesAndEnds(person, w, agent) {
  const { page } = person;
  const [weather] = stage.sellers;
  await person.goto(`/agents/${agent.agent}`);
  await person.press(w.pause);
  assert.match(await page.locator('h1').innerText(), new RegExp(w.paused));
  await person.look('agent-paused');
  assert.equal((await agent.buy(weather, 'weather-5')).code, 3);
  await person.press(w.resume);
  assert.equal((await agent.buy(weather, 'weather-6')).code, 0);
  const other = await person.connect(w, 'Spare');
  await person.goto(`/agents/${other.agent}`);
  await person.press(w.end);
  assert.match(await page.locator('h1').innerText(), new RegExp(w.ended));
  assert.equal((await other.buy(weather, 'weather')).code, 3);
  await person.look('agent-ended');
  person.settle();
}

async function managesMoney(person, w, agent) {
  const { page } = person;
  await person.goto('/money');
  await page.getByLabel(w.topUp).fill('50');
  await person.press(w.topUp);
  await page.getByText('¥1,049.94').waitFor();

  await page.locator('summary').getByText(w.openSub).click();
  await page.locator('form[action="/money/sub-accounts"] select').selectOption(agent.agent);
  await person.press(w.openSub);
  const move = page.locator('form[action="/money/move"]');
  await page.locator('summary').getByText(w.details).first().click();
  await move.getByLabel(w.howMuch).fill('5');
  await person.press(w.save, move);
  await page.getByText('¥1,044.94').waitFor();
  await page.locator('summary').getByText(w.details).first().click();
  await move.getByLabel(w.howMuch).fill('2');
  await move.locator('select').selectOption('out');
  await person.press(w.save, move);
  await page.getByText('¥1,046.94').waitFor();
  await person.look('money');

  // What a statement says adds up to what is there.
  const statement = async (kind) => {
    const saved = page.waitForEvent('download');
    await page.getByRole('link', { name: kind, exact: true }).first().click();
    return readFile(await (await saved).path(), 'utf8');
  };
  const fen = (text) => Math.round(Number(text) * 100);
  const sum = (amounts) => amounts.reduce((total, amount) => total + fen(amount), 0);
  const rows = (await statement('CSV')).trim().split('\r\n').slice(1);
  assert.equal(sum(rows.map((row) => row.split(',').at(-2))), 104_694);
  const ofx = await statement('OFX');
  assert.equal(sum([...ofx.matchAll(/<TRNAMT>(-?[\d.]+)/g)].map(([, amount]) => amount)), 104_694);
  assert.equal(fen(ofx.match(/<BALAMT>([\d.]+)/)[1]), 104_694);

  await page.locator('summary').getByText(w.details).first().click();
  await person.press(w.closeSub);
  await page.getByText('¥1,049.94').waitFor();
  await person.look('money-closed');
  person.settle();
}

async function changesDevices(person, w) {
  const { page } = person;
  await person.goto('/account');
  await page.getByText(w.onlyOne).waitFor();
  await person.look('account');
  await person.press(w.addPasskey);
  await page.getByLabel(w.deviceName).fill('Phone');
  await person.look('new-passkey');
  const first = await person.takeDevice();
  await person.press(w.addPasskey);
  assert.equal(await page.getByRole('button', { name: w.remove, exact: true }).count(), 2);
  await person.look('account-two-passkeys');
  // The session was opened with the first: it ends with it.
  await person.press(w.remove, page.locator('.rows > li').first());
  await person.press(w.logIn);
  await person.goto('/account');
  await page.getByText(w.onlyOne).waitFor();
  await person.press(w.logOut);
  const second = await person.takeDevice(first);
  await person.press(w.logIn);
  assert.match(await person.reads(), new RegExp(w.notConfirmed));
  person.settle(/status of 403/);
  await person.takeDevice(second);
  await person.goto('/account');
  await person.press(w.logIn);
  assert.equal(new URL(page.url()).pathname, '/account', 'she is where she wanted to be');
  person.settle();
}

async function comesBack(person, w, code) {
  const { page } = person;
  await person.press(w.logOut);
  const lost = await person.takeDevice();
  await person.follow(w.lostPasskey);
  await person.look('recover');
  // As people type what they wrote down.
  await page.getByLabel(w.recoveryCode).fill(code.toLowerCase().replaceAll('-', ' '));
  await person.press(w.recover);
  const next = (await page.locator('.code').textContent()).trim();
  assert.notEqual(next, code);
  await person.look('new-recovery-code');
  await person.follow(w.codeKept);
  await page.getByText(w.frozen).waitFor();
  await person.goto('/account');
  await page.getByText(w.onlyOne).waitFor();
  await person.press(w.logOut);

  await person.takeDevice(lost);
  await person.press(w.logIn);
  assert.match(await person.reads(), new RegExp(w.notConfirmed));
  await person.takeDevice();
  await person.goto('/recover');
  await page.getByLabel(w.recoveryCode).fill(code);
  await page.getByRole('button', { name: w.recover, exact: true }).click();
  await page.locator('.said').filter({ hasText: /./ }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/recover', 'the old code opens nothing');
  assert.deepEqual(await person.passkeys(), []);
  person.settle(/status of 403/);
}
