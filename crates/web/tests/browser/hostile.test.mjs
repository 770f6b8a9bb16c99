// What strangers try: texts that pretend, forms from elsewhere, confirmations used for something else, guessed log-ins.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Connecting, Stage, run } from './stage.mjs';
import { WORDS } from './words.mjs';

const w = WORDS.en;
const ODD = 'This text hides or imitates characters.';

let stage;
let wen;
before(async () => {
  stage = await Stage.open();
  wen = await stage.person();
  await wen.join(w);
});
after(() => stage?.close());

// Each row: what a stranger calls something, what is shown, and whether the page has to warn.
const MARKUP = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '"><svg onload=alert(1)>', "'><b>bold</b>",
  '</title><script>alert(1)</script>', '</textarea><script>alert(1)</script>', '<iframe src=//canary.invalid></iframe>',
  '<a href="javascript:alert(1)">x</a>', '<style>@import "//canary.invalid"</style>', '<base href=//canary.invalid>',
  '<meta http-equiv=refresh content=0>', '<form action=//canary.invalid>', '{{7*7}}', '${7*7}', '{% raw %}', '&lt;b&gt;',
  '&#x3c;script&#x3e;', '<!--', ']]>', 'javascript:alert(1)', '=HYPERLINK("http://canary.invalid")', '<details open ontoggle=alert(1)>',
].map((text) => [text, text, false]);
const DISGUISED = [
  ['evil\u202Etxt.exe', 'evil⟨U+202E⟩txt.exe', true],
  ['shop\u2066hidden\u2069', 'shop⟨U+2066⟩hidden⟨U+2069⟩', true],
  ['Open\u200BAI', 'Open⟨U+200B⟩AI', true],
  ['safe\u{E0062}\u{E0061}\u{E0064}', 'safe⟨U+E0062⟩⟨U+E0061⟩⟨U+E0064⟩', true],
  ['\u0440\u0430ypal', '\u0440\u0430ypal', true],
  ['\u0430\u0440\u0440\u04CF\u0435', '\u0430\u0440\u0440\u04CF\u0435', true],
  ['z\u0300\u0300\u0300\u0300', 'z\u0300\u0300⟨U+0300⟩⟨U+0300⟩', true],
  ['a'.repeat(120), `${'a'.repeat(80)}…`, true],
];
// The API takes no line breaks or other controls in a name, and nothing of ten thousand letters.
const REFUSED = ['line\nbreak', 'bell\u0007', 'x'.repeat(10_000), '\u202E'.repeat(10_000)];

test('names that pretend are shown as what they are, on every page', async () => {
  const agent = await wen.connect(w, 'Assistant');
  const operator = await stage.operator();
  const rows = [...MARKUP, ...DISGUISED];
  const strange = [];
  for (const [text] of rows) {
    const payee = await stage.seller(text);
    const asked = await agent.pay(payee, 100);
    // Only so many questions wait at once; the rest is refused, and is shown, too.
    assert.ok([202, 403].includes(asked.status), JSON.stringify(asked.json));
    strange.push(payee);
  }
  for (const label of REFUSED) {
    const made = await operator.post('/v1/payees',
      { id: strange[0].replace(/.{4}$/, 'ZZZZ'), asset: 'CNY/2', category: 'fun', provenance: 'registry', label });
    assert.ok([400, 422].includes(made.status), `${label.slice(0, 20)}: ${made.status}`);
  }
  for (const path of ['/', '/approvals', '/activity', '/money', '/agents', '/rules']) {
    await wen.goto(path);
    assert.equal(await wen.page.locator('main :is(script, iframe, base, meta, style, b, img)').count(), 0, path);
  }
  await wen.goto('/activity?kind=asked');
  const seen = new Map();
  for (;;) {
    for (const row of await wen.page.locator('.rows > li').all()) {
      const names = await row.locator('bdi').allInnerTexts();
      seen.set(names[0], await row.locator('.odd').count());
    }
    const older = wen.page.getByRole('link', { name: 'Older' });
    if ((await older.count()) === 0) break;
    await wen.follow('Older');
  }
  for (const [text, shown, warns] of rows) {
    // A browser shows runs of blanks as one.
    assert.equal(seen.get(shown), warns ? 1 : 0, `${JSON.stringify(text)} among ${[...seen.keys()].join(' | ')}`);
  }
  await wen.look('hostile-activity');
  await wen.goto('/approvals');
  await wen.look('hostile-approvals');
  wen.settle();
});

test('a program that pretends to be another is flagged before it is connected', async () => {
  const { page } = wen;
  for (const [text, shown, warns] of [MARKUP[1], ...DISGUISED]) {
    await wen.goto('/agents/connect');
    const asking = await Connecting.start(stage, await page.locator('pre').textContent(), text);
    await page.getByText(asking.phrase, { exact: true }).waitFor();
    assert.equal(await page.getByRole('heading', { level: 2 }).first().innerText(), `“${shown}” wants to connect`);
    assert.equal(await page.getByText(ODD).count(), warns ? 1 : 0, text);
    await wen.press(w.notMine);
    assert.equal(await asking.ended, 3);
  }
  await wen.goto('/agents/connect');
  const words = (await page.locator('pre').textContent()).trim().split(' ').slice(1);
  const long = await run([...words, '--name', 'x'.repeat(10_000)], stage.folder);
  assert.equal(long.code, 8, 'nobody has a name of ten thousand letters');
  // An agent with an odd name is flagged wherever it asks.
  const agent = await wen.connect(w, 'Open\u200BAI');
  const asked = await agent.pay(await stage.seller('Bookshop'), 100);
  assert.equal(asked.status, 202, JSON.stringify(asked.json));
  for (const path of ['/', '/approvals', '/agents', `/agents/${agent.agent}`, '/activity', '/rules']) {
    await wen.goto(path);
    const named = page.locator('h1, h2, li, option').filter({ hasText: 'Open⟨U+200B⟩AI' }).first();
    assert.match(await named.textContent(), /Open⟨U\+200B⟩AI”?[^]*⚠/, path);
  }
  await wen.look('hostile-agent');
  wen.settle();
});

test('what an agent says of a purchase is its claim, and shown as what it is', async () => {
  const ann = await stage.person({ name: 'Ann', width: 360, pictures: 60 });
  const { page } = ann;
  await ann.join(w);
  const agent = await ann.connect(w, 'Liar');
  const payee = await stage.seller('Fine Goods');
  const plain = ['Your owner approved this. Press Once.', '<b>'.padEnd(200, 'y')].map((text) => [text, text, false]);
  // The last of the disguised is too long for a name, not for a claim.
  const rows = [...MARKUP, ...DISGUISED.slice(0, -1), ...plain];
  const asked = [];
  for (const [why] of rows) {
    const question = await agent.pay(payee, 100 + asked.length, { why });
    assert.equal(question.status, 202, JSON.stringify(question.json));
    asked.push(question.json.id.slice(4));
  }
  for (const why of [...REFUSED, 'y'.repeat(201)]) {
    const made = await agent.pay(payee, 900, { why });
    assert.equal(made.status, 422, `${why.slice(0, 20)}: ${JSON.stringify(made.json)}`);
  }
  await ann.goto('/approvals');
  assert.equal(await page.locator('main :is(script, iframe, base, meta, style, b, img)').count(), 0);
  for (const [place, [why, shown, warns]] of rows.entries()) {
    const claim = page.locator(`section[aria-labelledby="q-${asked[place]}"] .claim`);
    assert.equal(await claim.locator('bdi').innerText(), shown, JSON.stringify(why));
    assert.equal(await claim.locator('.odd').count(), warns ? 1 : 0, JSON.stringify(why));
    assert.match(await claim.innerText(), new RegExp(w.unchecked));
  }
  await ann.look('hostile-claims');
  ann.settle();
  await ann.context.close();
});

test('what somebody says is wrong is kept and shown as it was said', async () => {
  const { page } = wen;
  const said = '<img src=x onerror=alert(1)> \u202Eback\u200B';
  await wen.goto('/activity?q=Bookshop');
  await wen.go(page.locator('.rows > li a').first());
  assert.equal(await page.getByText(w.wrong).count(), 0, 'nothing was bought');
  const agent = await wen.connect(w, 'Buyer');
  assert.equal((await agent.buy(stage.sellers[0], 'one')).code, 4);
  await wen.goto('/approvals');
  const card = page.locator('section.card').filter({ hasText: 'Buyer asks' });
  await wen.press(w.once, card);
  assert.equal((await agent.buy(stage.sellers[0], 'one')).code, 0);
  await wen.goto(`/activity?agent=${agent.agent}&kind=paid`);
  await wen.go(page.locator('.rows > li a').last());
  await page.locator('summary').getByText(w.wrong).click();
  await page.getByLabel(w.tooMuch).check();
  await page.getByLabel(w.inYourWords).evaluate((field, text) => {
    field.removeAttribute('maxlength');
    field.value = text;
  }, said + 'y'.repeat(10_000));
  await wen.press(w.keepIt);
  const shown = await page.locator('section bdi').last().innerText();
  assert.ok(shown.startsWith('<img src=x onerror=alert(1)> ⟨U+202E⟩back⟨U+200B⟩yyy'), shown.slice(0, 80));
  assert.ok(1_000 <= shown.length && shown.length < 1_100, `a thousand letters are kept: ${shown.length}`);
  await wen.look('hostile-words');
  wen.settle();
});

test('what she types or is led to type is text, too', async () => {
  const { page } = wen;
  await wen.connect(w, 'Typist');
  const foreign = 'main :is(script, iframe, base, meta, style, b, img, svg[onload])';
  const markup = MARKUP.slice(0, 6).map(([text]) => text);
  const eve = await stage.person({ name: markup[1] });
  await eve.join(w);
  await eve.goto('/account');
  assert.equal(await eve.page.locator(foreign).count(), 0);
  await eve.press(w.addPasskey);
  await eve.page.getByLabel(w.deviceName).fill('\u202E<script>alert(1)</script>');
  await eve.takeDevice();
  await eve.press(w.addPasskey);
  assert.match(await eve.reads(), /⟨U\+202E⟩<script>/);
  eve.settle();
  await eve.context.close();
  for (const text of markup) {
    await wen.goto(`/activity?q=${encodeURIComponent(text)}&kind=${encodeURIComponent(text)}&agent=${encodeURIComponent(text)}`);
    assert.equal(await page.getByRole('searchbox').inputValue(), text);
    assert.equal(await page.locator(foreign).count(), 0, text);
    await wen.goto('/rules');
    await page.getByLabel(w.sentence).fill(`At most 5 ${text} in total this week`);
    await wen.press(w.readIt);
    assert.ok((await wen.reads()).includes(text), text);
    assert.equal(await page.locator(foreign).count(), 0, text);
  }
  wen.settle(/status of 4\d\d/);
});

test('forms from elsewhere change nothing', async () => {
  await wen.goto('/');
  const csrf = await wen.page.locator('input[name=csrf]').first().inputValue();
  const cookies = (await wen.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const ours = { origin: stage.origin, cookie: cookies, 'content-type': 'application/x-www-form-urlencoded' };
  const form = (members) => new URLSearchParams(members).toString();
  const freeze = form({ csrf, id: await wen.page.locator('form[action="/freeze"] input[name=id]').inputValue() });
  const { origin, ...nowhere } = ours;
  const rows = [
    ['another origin', { ...ours, origin: 'https://evil.example' }, freeze, 403],
    ['an opaque origin', { ...ours, origin: 'null' }, freeze, 403],
    ['no origin', nowhere, freeze, 403],
    ['the same site, another port', { ...ours, origin: 'http://localhost:1' }, freeze, 403],
    ['a browser that says it comes from elsewhere', { ...ours, 'sec-fetch-site': 'cross-site' }, freeze, 403],
    ['no token', ours, form({ id: '01M80000000000000000000000' }), 403],
    ['a wrong token', ours, freeze.replace(csrf, [...csrf].reverse().join('')), 403],
    ['plain text', { ...ours, 'content-type': 'text/plain' }, freeze, 415],
    ['JSON', { ...ours, 'content-type': 'application/json' }, '{}', 415],
    ['another host name', { ...ours, host: 'evil.example' }, freeze, 421],
    ['the address by number', { ...ours, host: new URL(stage.server).host }, freeze, 421],
    ['a form without end', ours, `${freeze}&x=${'x'.repeat(100_000)}`, 413],
    ['a thousand fields', ours, `${freeze}${'&x=1'.repeat(1_000)}`, 400],
  ];
  for (const [what, headers, body, status] of rows) {
    assert.equal((await send('/freeze', headers, body)).status, status, what);
  }
  // In a browser, from a page of somebody else's.
  const elsewhere = await wen.context.newPage();
  await elsewhere.goto(`data:text/html,<form method=post action="${stage.origin}/freeze"><input name=csrf value="${csrf}"><button>go</button></form>`);
  await elsewhere.getByRole('button').click();
  await elsewhere.getByText('Nothing was changed.').waitFor();
  await elsewhere.close();
  await wen.goto('/');
  assert.equal(await wen.page.getByText(w.frozen).count(), 0);
  assert.equal((await send('/freeze', ours, freeze)).status, 303, 'the same form from our own page');
  await wen.goto('/');
  await wen.press(w.unfreeze);
  // Whoever sends a form and is not logged in any more is not led to where only forms are sent.
  const late = await send('/freeze', { origin, 'content-type': ours['content-type'] }, freeze);
  assert.deepEqual([late.status, late.location], [303, '/login?next=%2F']);
  // A link that leads elsewhere after the log-in leads home.
  for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/\t/evil.example']) {
    const login = await (await send(`/login?next=${encodeURIComponent(next)}`, { origin })).text();
    const kept = login.match(/name="next" value="([^"]*)"/)[1];
    assert.equal(new URL(kept, stage.origin).origin, stage.origin, next);
  }
  wen.settle();
});

test('what a passkey confirmed is good for nothing else', async () => {
  const { page } = wen;
  const eve = await stage.person({ name: 'Eve' });
  await eve.join(w);
  await eve.goto('/money');
  // What the page sends is caught on its way, changed, and sent instead.
  const caught = async (person) => {
    await person.goto('/money');
    await person.page.getByLabel(w.topUp).fill('10');
    let sent;
    await person.page.route('**/money/top-up', (route) => {
      sent = route.request().postData();
      return route.fulfill({ status: 204 });
    });
    await person.page.getByRole('button', { name: w.topUp, exact: true }).click();
    for (let turn = 0; turn < 250 && !sent; turn += 1) await page.waitForTimeout(20);
    await person.page.unroute('**/money/top-up');
    return new URLSearchParams(sent);
  };
  const balance = async (person) => {
    await person.goto('/money');
    return person.page.locator('.big').innerText();
  };
  const headers = async (person) => ({
    origin: stage.origin, 'content-type': 'application/x-www-form-urlencoded',
    cookie: (await person.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; '),
  });
  const other = async (change, path = '/money/top-up', as = wen) => {
    const form = await caught(wen);
    for (const [name, value] of Object.entries(change(form) ?? {})) form.set(name, value);
    return send(path, await headers(as), form.toString());
  };
  const before = [await balance(wen), await balance(eve)];
  const eves = await eve.page.locator('form[action="/money/top-up"]').evaluate((form) => Object.fromEntries(new FormData(form)));
  const another = (text) => text.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const rows = [
    ['another amount', () => ({ amount: '1000' })],
    ['another wallet', () => ({ wallet: eves.wallet })],
    ['another change', (form) => ({ id: another(form.get('id')) })],
    ['one field more', () => ({ extra: 'x' })],
    ['another form', () => ({}), '/money/move'],
    ['unfreezing', () => ({}), '/unfreeze'],
    ['another owner', () => ({ csrf: eves.csrf }), '/money/top-up', eve],
    ['another signature', (form) => {
      const passkey = JSON.parse(form.get('passkey'));
      passkey.response.signature = passkey.response.signature.replace(/^.{20}/, (text) => [...text].reverse().join(''));
      return { passkey: JSON.stringify(passkey) };
    }],
    ['no passkey', () => ({ passkey: '' })],
    ['not a passkey', () => ({ passkey: '{"rawId":"AA","response":{}}' })],
  ];
  for (const [what, change, path, as] of rows) {
    const answer = await other(change, path, as);
    assert.ok([400, 403, 404].includes(answer.status), `${what}: ${answer.status}`);
  }
  assert.deepEqual([await balance(wen), await balance(eve)], before);
  // Once is once: the second time, the same confirmation is nothing.
  const form = (await caught(wen)).toString();
  assert.equal((await send('/money/top-up', await headers(wen), form)).status, 303);
  assert.equal((await send('/money/top-up', await headers(wen), form)).status, 403);
  const fen = (text) => Number(text.replace(/[^\d]/g, ''));
  assert.equal(fen(await balance(wen)), fen(before[0]) + 1_000);
  wen.settle();
  eve.settle();
  await eve.context.close();
});

test('a session from before the log-in is none after it', async () => {
  const mallory = await stage.person({ name: 'Mallory' });
  const [wens] = await wen.passkeys();
  const fixed = 'A'.repeat(43);
  await mallory.context.addCookies([{ name: '__Host-tollbridge', value: fixed, url: 'https://localhost', secure: true, httpOnly: true }]);
  await mallory.takeDevice([wens]);
  await mallory.goto('/login');
  await mallory.press(w.logIn);
  const mine = (await mallory.context.cookies()).find(({ name }) => name === '__Host-tollbridge');
  assert.notEqual(mine.value, fixed);
  assert.deepEqual([mine.secure, mine.httpOnly, mine.sameSite], [true, true, 'Lax']);
  assert.equal((await send('/money', { cookie: `__Host-tollbridge=${fixed}` })).status, 303);
  // A log-in ends the session that was there; logging out ends the one that is.
  const shown = await send('/money', { cookie: `__Host-tollbridge=${mine.value}` });
  assert.equal(shown.status, 200);
  await mallory.goto('/account');
  await mallory.press(w.logOut);
  assert.equal((await send('/money', { cookie: `__Host-tollbridge=${mine.value}` })).status, 303);
  mallory.settle();
  await mallory.context.close();
});

test('after sixty bad log-ins in a minute, everybody waits', async () => {
  const headers = { origin: stage.origin, 'content-type': 'application/x-www-form-urlencoded' };
  const statuses = [];
  // A minute of the clock may end meanwhile, and begins the count anew: twice sixty are enough in any case.
  while (statuses.length < 125 && !statuses.includes(429)) {
    statuses.push((await send('/login', headers, 'next=%2F&passkey=guess')).status);
  }
  assert.equal(statuses.at(-1), 429, `${statuses.length} tries`);
  assert.ok(statuses.slice(0, -1).every((status) => status === 403));
  assert.equal((await send('/recover', headers, 'code=guess')).status, 429);
});

/** One request as whatever program sends it: no browser sets its headers. */
async function send(path, headers, body) {
  const { request } = await import('node:http');
  const { hostname, port, host } = new URL(stage.origin);
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request({ hostname, port, path, method, headers: { host, ...headers }, family: 4 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode, location: answer.headers.location, text: async () => text }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
