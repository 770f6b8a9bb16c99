// A shop of somebody's before a browser: an account to sell with, a service that knows nothing of money, and a gateway before it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before } from 'node:test';
import { Stage, fresh, run } from './stage.mjs';

const OPENAPI = 'openapi: 3.1.0\npaths:\n  /tides.txt:\n    get: {}\n';

/** Services and gateways, and their end. */
export class Street {
  /** One for all tests of a file; its stage is there once they run. */
  static opened() {
    const street = new Street();
    before(async () => (street.stage = await Stage.open()));
    after(async () => {
      street.close();
      await street.stage?.close();
    });
    return street;
  }

  constructor() {
    Object.assign(this, { gateways: [], services: [] });
  }

  close() {
    this.gateways.forEach((gateway) => gateway.kill('SIGTERM'));
    this.services.forEach((service) => {
      service.closeAllConnections();
      service.close();
    });
  }

  /** Opens an account as its owner does, with a key of its own for programs. */
  async account(person, w, name) {
    const { page } = person;
    await person.goto('/selling/new');
    await page.getByLabel(w.sellerName).fill(name);
    await person.press(w.openAccount);
    const [, payee] = new URL(page.url()).pathname.match(/^\/selling\/(pye_[0-9A-Z]{26})\/keys$/);
    const folder = join(this.stage.folder, payee);
    await mkdir(folder);
    const key = join(folder, 'seller.json');
    const drawn = await run(['seller', 'key', '--save', key, '--json']);
    assert.equal(drawn.code, 0, drawn.err);
    await page.getByLabel(w.pasteLine).fill(JSON.parse(drawn.out).line);
    await person.press(w.addKey);
    await page.getByText(w.ofProgram).waitFor();
    return { payee, folder, key, init: await page.locator('pre').last().textContent() };
  }

  /** Serves `/tides.txt` for 0.01 and whatever else `more` of a price list has; what fails is asked for as such. */
  async gateway({ folder, init }, more = '') {
    const upstream = await this.service((request, response) => {
      if (request.url.includes('fail')) response.statusCode = 500;
      response.end(`the tide at ${request.url}\n`);
    });
    await writeFile(join(folder, 'openapi.yaml'), OPENAPI);
    const [, ...words] = init.trim().split(' ');
    const set = (name, value) => (words[words.indexOf(name) + 1] = value);
    set('--upstream', upstream);
    set('--openapi', join(folder, 'openapi.yaml'));
    const port = await freePort();
    const made = await run([...words, '--public-url', `http://127.0.0.1:${port}`], folder);
    assert.equal(made.code, 0, made.err);
    await appendFile(join(folder, 'prices.toml'), more);
    await this.start(folder, port);
    return `http://127.0.0.1:${port}`;
  }

  /** A service that answers as it is told to; returns where it is. */
  async service(answer) {
    const service = createServer(answer);
    this.services.push(service);
    await new Promise((done) => service.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${service.address().port}`;
  }

  /** Starts a gateway with the price list of a folder. */
  async start(folder, port) {
    const words = ['gateway', '--config', join(folder, 'prices.toml'), '--listen', `127.0.0.1:${port}`];
    const child = spawn(process.env.TOLLBRIDGE_PROGRAM, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.gateways.push(child);
    await new Promise((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => /listening/.test(line) && resolve());
      child.once('exit', () => reject(new Error('the gateway ended')));
    });
  }
}

/** What an address asks for, with the coupon of that code. */
export async function demand(url, code) {
  const answer = await fetch(url, { headers: { 'tollbridge-coupon': code } });
  assert.equal(answer.status, 402);
  return { needed: answer.headers.get('payment-needed'), said: await answer.text() };
}

/** Buys once with a coupon; returns the status of the answer. */
export async function buyWith(agent, url, code) {
  const { needed } = await demand(url, code);
  const paid = await agent.post('/v1/a402/pay', { id: fresh('hld'), wallet: agent.wallet, payment_needed: needed });
  assert.equal(paid.status, 201, JSON.stringify(paid.json));
  return (await fetch(url, { headers: { 'payment-proof': paid.json.payment_proof } })).status;
}

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}
