// Who comes with less: no scripts, no mouse, a slow line. And what a page may cost.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, until } from './stage.mjs';
import { WORDS } from './words.mjs';

const w = WORDS.en;
const PAGES = ['/', '/approvals', '/agents', '/agents/connect', '/rules', '/activity', '/money', '/invoices', '/subscriptions',
  '/account', '/selling/new'];

/** What a first visit may transfer, in bytes. */
const FIRST_PAGE_BYTES_MAX = 150_000;

/** Notes in the page what moved after it was seen, and whence and whither. */
function watchShifts() {
  window.shifts = [];
  const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ');
  const moved = (it) => `${it.node?.nodeName}: ${place(it.previousRect)} → ${place(it.currentRect)}`;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts.push([entry.value, ...entry.sources.map(moved)].join(', '));
  }).observe({ type: 'layout-shift', buffered: true });
}

let stage;
let wen;
let agent;
before(async () => {
  stage = await Stage.open();
  wen = await stage.person();
  await wen.join(w);
  agent = await wen.connect(w, 'Assistant');
  assert.equal((await agent.buy(stage.sellers[0], 'weather')).code, 4);
});
after(() => stage?.close());

test('without scripts every page reads, and everything can be frozen', async () => {
  const plain = await stage.person({ scripts: false, width: 360 });
  await plain.context.addCookies(await wen.context.cookies());
  await wen.goto('/activity');
  const decision = await wen.page.locator('.rows a').first().getAttribute('href');
  for (const path of [...PAGES, `/agents/${agent.agent}`, decision]) {
    await wen.goto(path);
    const says = (page) => page.locator('h1').innerText();
    const policy = (await plain.goto(path)).headers()['content-security-policy'];
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/, path);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/, path);
    assert.equal(await says(plain.page), await says(wen.page), path);
    assert.ok(await plain.page.getByRole('button', { name: w.freeze }).isVisible(), path);
  }
  await plain.goto('/approvals');
  assert.match(await plain.reads(), /¥0\.01/);
  // Where a passkey is needed, it is said that it takes scripts, and nothing happens without.
  await plain.press(w.once);
  assert.match(await plain.reads(), /Nothing was changed/);
  await plain.goto('/');
  await plain.press(w.freeze);
  await plain.page.getByText(w.frozen).waitFor();
  assert.equal((await agent.buy(stage.sellers[0], 'frozen')).code, 3);
  plain.settle(/status of 403/);
  await plain.context.close();
  await wen.goto('/');
  await wen.press(w.unfreeze);
  wen.settle();
});

test('by keyboard alone: skip, log in, freeze', async () => {
  const { page } = wen;
  await wen.goto('/account');
  await wen.press(w.logOut);
  await wen.goto('/login');
  const at = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText);
  const reach = async (name) => {
    for (let turn = 0; turn < 30; turn += 1) {
      await page.keyboard.press('Tab');
      // Behind the last place comes the browser's own, and then the page begins anew.
      if (await page.evaluate(() => document.activeElement === document.body)) continue;
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, 'none', `nobody sees where she is at ${await at()}`);
      if ((await at()) === name) return;
    }
    assert.fail(`no Tab leads to ${name}`);
  };
  await reach('Skip to the content');
  await page.keyboard.press('Enter');
  await reach(w.logIn);
  await Promise.all([page.waitForURL(`${stage.origin}/`), page.keyboard.press('Enter')]);
  await page.waitForLoadState('load');
  await reach(w.freeze);
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
  await page.getByText(w.frozen).waitFor();
  await reach(w.unfreeze);
  await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
  assert.equal(await page.getByText(w.frozen).count(), 0);
  wen.settle();
});

test('a page that changes by itself keeps the keyboard where it is, and what is unfolded', async () => {
  const { page } = wen;
  await wen.goto('/approvals');
  await page.locator('summary').first().click();
  await page.getByRole('button', { name: w.once, exact: true }).focus();
  assert.equal((await agent.buy(stage.sellers[1], 'library')).code, 4);
  await page.getByText('¥0.30').waitFor({ timeout: 1_000 });
  assert.equal(await page.locator('details[open]').count(), 1);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BUTTON');
  wen.settle();
});

test('a confirmation under way outlives what happens meanwhile', async () => {
  const { page } = wen;
  await wen.goto('/approvals');
  const before = await page.getByRole('button', { name: w.once, exact: true }).count();
  // Her finger takes its time.
  let touch;
  const touched = new Promise((resolve) => (touch = resolve));
  await page.route('**/challenge', async (route) => {
    await touched;
    await route.continue();
  });
  await page.getByRole('button', { name: w.once, exact: true }).last().click();
  await page.getByRole('status').filter({ hasText: 'Confirm with your passkey.' }).waitFor();
  const weather = (await agent.buy(stage.sellers[0], 'meanwhile')).code;
  assert.equal(weather, 4);
  // The page has heard of it: the navigation counts one more.
  await page.locator('nav .count').getByText(String(before + 1)).waitFor();
  touch();
  await page.waitForEvent('load');
  await page.unroute('**/challenge');
  assert.equal(await page.getByRole('button', { name: w.once, exact: true }).count(), before);
  assert.match(await wen.reads(), /approved/);
  wen.settle();
});

test('what was decided while a page was still loading is not missed', async () => {
  const page = await wen.open();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route('**/live*', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${stage.origin}/activity`);
  const lines = page.locator('.rows > li');
  const before = await lines.first().innerText();
  assert.equal((await agent.buy(stage.sellers[0], 'unheard')).code, 4);
  release();
  await until(async () => (await lines.first().innerText()) !== before, 1_500);
  await page.close();
  wen.settle();
});

test('a first visit costs little and does not jump', async () => {
  const stranger = await stage.person({ width: 360 });
  const { page } = stranger;
  await page.addInitScript(watchShifts);
  const cdp = await stranger.context.newCDPSession(page);
  await cdp.send('Network.enable');
  let bytes = 0;
  cdp.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  // A slow line: 1.6 Mbit/s and 150 ms away.
  await cdp.send('Network.emulateNetworkConditions',
    { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 96_000 });
  const began = Date.now();
  await stranger.goto('/');
  await page.getByRole('button', { name: w.logIn }).waitFor();
  const usable = Date.now() - began;
  assert.ok(usable < 1_000, `usable after ${usable} ms`);
  assert.ok(0 < bytes && bytes <= FIRST_PAGE_BYTES_MAX, `${bytes} bytes`);
  // Where things come late, they are most likely to push others about.
  await page.waitForTimeout(300);
  assert.deepEqual(await page.evaluate(() => window.shifts), [], 'the first page jumps');
  stranger.settle();
  await stranger.context.close();

  await wen.page.addInitScript(watchShifts);
  for (const path of ['/login', ...PAGES]) {
    await wen.goto(path);
    await wen.page.waitForTimeout(150);
    assert.deepEqual(await wen.page.evaluate(() => window.shifts), [], path);
  }
  wen.settle();
});
