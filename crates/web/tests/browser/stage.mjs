// The stage of the browser tests: the product as `tollbridge dev` starts it, programs on its command line, and people
// who sit before Chromium with a passkey.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createPrivateKey, createHash, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer as createEndpoint } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const PROGRAM = process.env.TOLLBRIDGE_PROGRAM;
const PICTURES = process.env.TOLLBRIDGE_PICTURES;
const require = createRequire(join(process.env.TOLLBRIDGE_NPM, 'none.js'));
const { chromium } = require('playwright-core');
const AXE = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');

// What Chromium does by itself is no part of what is watched.
const QUIET = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-gpu', '--no-sandbox', '--force-prefers-reduced-motion'];

/** Looks again and again until `look` gives something, for at most so many milliseconds. */
export async function until(look, millis = 5_000) {
  const end = Date.now() + millis;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    assert.ok(Date.now() < end, `nothing after ${millis} ms: ${look}`);
    await wait(20);
  }
}

/** The product, its two sellers, and a browser. */
export class Stage {
  static async open() {
    const stage = new Stage();
    stage.folder = await mkdtemp(join(tmpdir(), 'tollbridge-browser-'));
    const address = `127.0.0.1:${await threePorts()}`;
    const words = ['dev', '--json', '--directory', join(stage.folder, 'dev'), '--listen', address];
    const env = { ...process.env, TOLLBRIDGE_DRAFT_ENDPOINT: await stage.drafting(), TOLLBRIDGE_DRAFT_MODEL: 'plain' };
    stage.child = spawn(PROGRAM, words, { stdio: ['ignore', 'pipe', 'inherit'], env });
    // Whatever happens here, it ends with us.
    process.once('exit', () => stage.child.kill('SIGTERM'));
    const said = await first(createInterface(stage.child.stdout));
    Object.assign(stage, JSON.parse(said));
    stage.origin = new URL(stage.pages).origin;
    stage.book = join(stage.folder, 'dev/book');
    stage.browser = await chromium.launch({ executablePath: onPath('chromium'), args: QUIET });
    await mkdir(PICTURES, { recursive: true });
    return stage;
  }

  /** An endpoint that drafts: it says `drafts[sentence]` of what it is sent. */
  async drafting() {
    this.drafts = {};
    this.endpoint = createEndpoint((request, response) => {
      let text = '';
      request.on('data', (part) => (text += part)).on('end', () => {
        const content = this.drafts[JSON.parse(text).messages.at(-1).content] ?? '';
        response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }));
      });
    });
    await new Promise((listening) => this.endpoint.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${this.endpoint.address().port}/v1`;
  }

  async close() {
    await this.browser?.close();
    this.endpoint?.close();
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A link with which somebody becomes an owner. */
  async invite() {
    const invited = await run(['owner', 'invite', '--json', '--server', this.server, '--key', this.book,
      '--public-url', this.origin]);
    return JSON.parse(invited.out).url;
  }

  /** Somebody before a browser. */
  async person(settings) {
    return Person.sit(this, settings);
  }

  /** The operator, at the API. */
  async operator() {
    return Program.read(this, join(this.book, 'keys/operator.toml'));
  }

  /** A seller of that name, registered by the operator. */
  async seller(label) {
    const id = fresh('pye');
    const body = { id, asset: 'CNY/2', category: 'fun', provenance: 'registry', label };
    const made = await (await this.operator()).post('/v1/payees', body);
    assert.equal(made.status, 201, JSON.stringify(made.json));
    return id;
  }

  /** Puts the clock of the book forward. */
  async advance(by) {
    const done = await run(['clock', 'advance', by, '--server', this.server, '--key', this.book]);
    assert.equal(done.code, 0, done.err);
  }
}

/** Runs the program as a person types it. */
export function run(words, cwd) {
  return new Promise((resolve) => {
    execFile(PROGRAM, words, { cwd }, (fault, out, err) => resolve({ code: fault ? fault.code : 0, out, err }));
  });
}

/** A program that may become an agent: started with the command on the owner's page. */
export class Connecting {
  static async start(stage, command, name) {
    const it = new Connecting();
    it.stage = stage;
    it.folder = await mkdtemp(join(stage.folder, 'agent-'));
    const [program, ...words] = command.trim().split(' ');
    assert.equal(program, 'tollbridge');
    const child = spawn(PROGRAM, [...words, '--name', name, '--json'], { cwd: it.folder });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    it.phrase = JSON.parse((await lines.next()).value).phrase.join(' ');
    it.ended = new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
    });
    it.lines = lines;
    return it;
  }

  /** The agent that it is now, once the owner has said yes. */
  async agent() {
    const { value } = await this.lines.next();
    assert.equal(await this.ended, 0);
    const agent = await Program.read(this.stage, join(this.folder, 'agent.toml'));
    return Object.assign(agent, { folder: this.folder, ...JSON.parse(value) });
  }
}

/** Somebody with a key at the API, or at the command line. */
export class Program {
  static async read(stage, file) {
    const text = await readFile(file, 'utf8');
    const member = (name) => text.match(new RegExp(`^${name} = "(.*)"`, 'm'))[1];
    // An Ed25519 seed in the frame that PKCS #8 gives it (RFC 8410 §7).
    const frame = Buffer.from('302e020100300506032b657004220420', 'hex');
    const der = Buffer.concat([frame, Buffer.from(member('seed'), 'base64url')]);
    const signing = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return Object.assign(new Program(), { stage, file, id: member('key'), signing });
  }

  /** Buys one page of a seller with `tollbridge pay`; the same purchase is bought once. */
  async buy(url, purchase, why) {
    const said = why ? ['--why', why] : [];
    const places = ['--server', this.stage.server, '--key', this.file, '--wallet', this.wallet];
    const kept = ['--purchases', join(this.folder, 'purchases'), '--max-price', '1.00', '--purchase', purchase];
    return run(['pay', url, '--json', ...places, ...kept, ...said]);
  }

  /** Asks for a payment at the API; `more` are further members, such as the mandate. */
  async pay(payee, minor, more = {}) {
    const amount = { amount: String(minor), asset: 'CNY/2' };
    return this.post('/v1/payments', { id: fresh('pay'), wallet: this.wallet, payee, amount, ...more });
  }

  /** Draws up a rule for itself. */
  async draft(words) {
    const history = { user_intent_raw: words, input_mode: ['TEXT'] };
    return this.post('/v1/intents',
      { id: fresh('int'), wallet: this.wallet, agent: this.agent, conversation_history: history });
  }

  /** One signed request (RFC 9421); `named` is the id of a change that has none in its body. */
  async post(path, body, named) {
    const { host } = new URL(this.stage.server);
    const text = JSON.stringify(body);
    const digest = `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;
    const now = Date.now();
    const covered = '("@method" "@authority" "@path" "@query" "content-digest")';
    const nonce = (Program.nonce = Math.max(now * 1_000, (Program.nonce ?? 0) + 1));
    const params = `${covered};created=${Math.floor(now / 1_000)};keyid="${this.id}";nonce="${nonce}";tag="tollbridge"`;
    const base = `"@method": POST\n"@authority": ${host}\n"@path": ${path}\n"@query": ?\n` +
      `"content-digest": ${digest}\n"@signature-params": ${params}`;
    const signature = sign(null, Buffer.from(base), this.signing).toString('base64');
    const headers = { 'content-type': 'application/json', 'content-digest': digest,
      'signature-input': `sig=${params}`, signature: `sig=:${signature}:`, ...(named && { 'idempotency-key': named }) };
    const answer = await fetch(this.stage.server + path, { method: 'POST', headers, body: text });
    return { status: answer.status, json: await answer.json() };
  }
}

/** In which languages and at which widths a story is told: each of them once, or each with each. */
export const VIEWS = [['en', 360], ['zh', 1280], ...(process.env.TOLLBRIDGE_EVERY_VIEW ? [['zh', 360], ['en', 1280]] : [])];

/** Whose clocks people read; what is shown to them says so. */
export const ZONES = { en: 'America/New_York', zh: 'Asia/Shanghai' };

/** A person: a browser's window of some size, in a language, with a passkey behind it. */
export class Person {
  static async sit(stage, { lang = 'en', width = 1280, scripts = true, name = 'Wen', pictures = 0 } = {}) {
    const viewport = { width, height: width < 600 ? 780 : 860 };
    const locale = lang === 'zh' ? 'zh-CN' : 'en-US';
    const timezoneId = ZONES[lang];
    const context = await stage.browser.newContext(
      { viewport, locale, timezoneId, javaScriptEnabled: scripts, acceptDownloads: true });
    const it = Object.assign(new Person(), { stage, context, lang, width, name, complaints: [], pictures });
    it.page = await it.open();
    await it.takeDevice();
    return it;
  }

  /** One more page of the same browser. Whatever it complains about is kept. */
  async open() {
    const page = await this.context.newPage();
    page.setDefaultTimeout(8_000);
    page.on('console', (it) => it.type() === 'error' && this.complaints.push(`console: ${it.text()}`));
    page.on('pageerror', (fault) => this.complaints.push(`script: ${fault}`));
    page.on('dialog', (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== this.stage.origin) this.complaints.push(`elsewhere: ${request.url()}`);
    });
    return page;
  }

  /** Sits down before a device of her own that has no passkey yet; returns what is needed to go back to the last. */
  async takeDevice(credentials = []) {
    this.cdp ??= await this.context.newCDPSession(this.page);
    const left = this.device ? await this.passkeys() : [];
    if (this.device) await this.cdp.send('WebAuthn.removeVirtualAuthenticator', this.device);
    else await this.cdp.send('WebAuthn.enable', { enableUI: false });
    const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true };
    this.device = await this.cdp.send('WebAuthn.addVirtualAuthenticator', { options });
    for (const credential of credentials) {
      await this.cdp.send('WebAuthn.addCredential', { ...this.device, credential });
    }
    return left;
  }

  /** The passkeys on her device. */
  async passkeys() {
    return (await this.cdp.send('WebAuthn.getCredentials', this.device)).credentials;
  }

  async goto(path) {
    return this.page.goto(new URL(path, this.stage.origin).href);
  }

  /** Presses the button of that name, and waits for the page that comes of it. */
  async press(name, within = this.page) {
    const button = within.getByRole('button', { name, exact: true });
    const [answer] = await Promise.all([
      this.page.waitForResponse((it) => it.request().isNavigationRequest() && it.status() !== 303),
      this.page.waitForEvent('load'),
      button.click(),
    ]);
    return answer;
  }

  /** Follows the link of that name; in the navigation, a number may stand behind it. */
  async follow(name) {
    const called = new RegExp(`^${name.replace(/[.?]/g, '\\$&')}( \\d+)?$`);
    await this.go(this.page.getByRole('link', { name: called }).first());
  }

  /** Follows a link, wherever it is. */
  async go(link) {
    await Promise.all([this.page.waitForEvent('load'), link.click()]);
  }

  /** Makes a wallet with an invitation; returns the recovery code. */
  async join(w) {
    await this.goto(await this.stage.invite());
    await this.page.getByLabel(w.yourName).fill(this.name);
    await this.press(w.createWallet);
    return (await this.page.locator('.code').textContent()).trim();
  }

  /** Connects a program as an agent, the way the page says. */
  async connect(w, name) {
    await this.goto('/agents/connect');
    const asking = await Connecting.start(this.stage, await this.page.locator('pre').textContent(), name);
    await this.page.getByText(asking.phrase, { exact: true }).waitFor();
    await this.press(w.connect);
    return asking.agent();
  }

  /** What all of the page says. */
  async reads() {
    return this.page.locator('body').innerText();
  }

  /** Fails where anything was complained about; `expected` are complaints that belong to what was done. */
  settle(...expected) {
    const left = this.complaints.splice(0).filter((it) => !expected.some((known) => known.test(it)));
    assert.deepEqual(left, []);
  }

  /** Keeps a picture of the page, and fails where it scrolls sideways or a screen reader would stumble, by day and night. */
  async look(name) {
    const { page, width, lang } = this;
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, `${name}: ${wide} px too wide at ${width} px`);
    const place = String((this.pictures += 1)).padStart(2, '0');
    // The bar stays in sight; a picture of all of the page has it on top.
    await page.evaluate(() => window.scrollTo(0, 0));
    const picture = (night) =>
      page.screenshot({ path: join(PICTURES, `${lang}-${width}-${place}-${name}${night}.png`), fullPage: true });
    await picture('');
    // What a screen reader finds is the same in every window: one of each language is enough.
    const reader = (lang === 'en') === (width < 600);
    if (reader) assert.deepEqual(await stumbles(page), [], name);
    await page.emulateMedia({ colorScheme: 'dark' });
    if (reader) assert.deepEqual(await stumbles(page, ['color-contrast']), [], `${name} in the dark`);
    await picture('-dark');
    await page.emulateMedia({ colorScheme: 'light' });
  }
}

/** What axe-core finds serious or critical. */
async function stumbles(page, rules) {
  await page.evaluate(AXE);
  return page.evaluate(async (only) => {
    const found = await axe.run(document, { resultTypes: ['violations'], ...(only && { runOnly: only }) });
    const bad = found.violations.filter((it) => ['serious', 'critical'].includes(it.impact));
    return bad.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(' ')}`);
  }, rules);
}

/** A fresh name of a kind: 48 bits of time and 80 of chance, in Crockford's base 32. */
export function fresh(prefix) {
  const random = crypto.getRandomValues(new Uint8Array(10));
  let value = (BigInt(Date.now()) << 80n) | random.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = '';
  for (let place = 0; place < 26; place += 1) {
    text = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return `${prefix}_${text}`;
}

/** Where a program of this name lies. */
function onPath(program) {
  return process.env.PATH.split(':').map((folder) => join(folder, program)).find(existsSync);
}

function first(lines) {
  return new Promise((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('close', () => reject(new Error('the product ended before it said where it is')));
  });
}

/** A port behind which two more are free. */
async function threePorts() {
  const taken = (port) => new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
  for (;;) {
    const servers = [await taken(0)];
    const { port } = servers[0].address();
    servers.push(await taken(port + 1), await taken(port + 2));
    await Promise.all(servers.map((server) => server && new Promise((done) => server.close(done))));
    if (servers.every(Boolean)) return port;
  }
}
