/**
 * The stage of the tests: a real server with a book of play money, a real gateway in front of a folder, and a
 * door before each.
 */

import { execFile, spawn } from "node:child_process";
import { createServer, request as httpRequest } from "node:http";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { Client } from "tollbridge";
import { readKeyFile } from "tollbridge/files";

const PROGRAM = process.env.TOLLBRIDGE_BIN;
if (!PROGRAM) throw new Error("TOLLBRIDGE_BIN is not set: name the built `tollbridge`");

/** What pages cost; of the last, there is none. */
const PRICES = { "cheap.txt": "0.30", "asked.txt": "2.00", "denied.txt": "6.00", "gone.txt": "0.30" };

/**
 * Everything of a small book. `server` and `gateway` are doors: what passes through them can be watched, held
 * and lost.
 */
export class Stage {
  static async open() {
    const stage = new Stage();
    stage.directory = await mkdtemp(join(tmpdir(), "tollbridge-sdk-"));
    stage.processes = [];
    stage.serverDoor = await Door.open();
    stage.gatewayDoor = await Door.open();
    stage.server = stage.serverDoor.url;
    stage.gateway = stage.gatewayDoor.url;
    stage.book = join(stage.directory, "book");
    await stage.run("init", stage.book, "--test");
    await stage.startServer();
    const book = ["--key", stage.book];
    const made = async (...words) => (await stage.run(...words)).split(" ")[0];
    const owner = await made(
      "owner",
      "create",
      ...book,
      "--key-out",
      stage.at("owner.json"),
      "--label",
      "Wen",
    );
    const byOwner = ["--key", stage.at("owner.json")];
    stage.wallet = await made("wallet", "create", ...byOwner, "--owner", owner, "--asset", "CNY/2");
    await stage.run("wallet", "fill", ...book, stage.wallet, "1000.00");
    stage.key = stage.at("agent.json");
    const limits = ["--per-payment", "5.00", "--ask-above", "1.00"];
    const agent = ["--wallet", stage.wallet, "--key-out", stage.key, ...limits];
    stage.agent = await made("agent", "create", ...byOwner, ...agent);
    stage.sellerKey = stage.at("seller.json");
    const seller = ["--asset", "CNY/2", "--category", "pages", "--key-out", stage.sellerKey];
    stage.payee = await made("payee", "create", ...book, ...seller);
    stage.ownerKey = stage.at("owner.json");
    await stage.openShop();
    stage.vkey = await (await fetch(`${stage.server}/log/vkey`)).text();
    return stage;
  }

  at(name) {
    return join(this.directory, name);
  }

  async startServer() {
    this.serverProcess = await this.start("serve", "--data", this.book, "--listen", "127.0.0.1:0");
    this.serverDoor.behind = this.serverProcess.address;
  }

  async openShop() {
    await mkdir(this.at("pages"));
    for (const page of [
      "cheap.txt",
      "asked.txt",
      "denied.txt",
      "free.txt",
      "counted.txt",
      "ticks.txt",
      "terms.json",
    ]) {
      await writeFile(
        this.at(`pages/${page}`),
        page.endsWith("json") ? '{"rows":[1]}' : `This is ${page}.\n`,
      );
    }
    const files = await this.start("files", this.at("pages"), "--listen", "127.0.0.1:0");
    const prices = Object.entries(PRICES).map(
      ([page, amount]) => `[[price]]\nmethod = "GET"\npath = "/${page}"\namount = "${amount} CNY"\n`,
    );
    const config = `[seller]
server = "${this.server}"
payee = "${this.payee}"
key_file = "seller.json"
network = "toll:test"
public_url = "${this.gateway}"
asset = "CNY/2"
data = "gateway"
discovery = true
[upstream]
url = "${files.address}"
[[free]]
method = "GET"
path = "/free.txt"
${prices.join("")}
[[price]]
method = "GET"
path = "/counted.txt"
unit = "bytes"
rate = "0.01 CNY"
at_most = "0.50 CNY"
[[price]]
method = "GET"
path = "/ticks.txt"
amount = "0.01 CNY"
by_voucher = "0.001 CNY"
[[price]]
method = "GET"
path = "/terms.json"
amount = "0.05 CNY"
[[price.terms]]
rows = { at = "/rows", at_least = 1 }
lost_ppm = 1000000
`;
    await writeFile(this.at("prices.toml"), config);
    await this.startGateway();
  }

  async startGateway() {
    const words = ["gateway", "--config", this.at("prices.toml"), "--listen", "127.0.0.1:0"];
    this.gatewayProcess = await this.start(...words);
    this.gatewayDoor.behind = this.gatewayProcess.address;
  }

  /** Opens a gateway before a service whose answers are streams of events, a tenth of a fen each; its address. */
  async openFeed(behind) {
    const config = `[seller]
server = "${this.server}"
payee = "${this.payee}"
key_file = "seller.json"
network = "toll:test"
public_url = "${this.gateway}"
asset = "CNY/2"
data = "feed"
[upstream]
url = "${behind}"
[[price]]
method = "GET"
path = "/feed"
amount = "0.05 CNY"
stream = true
by_voucher = "0.001 CNY"
`;
    await writeFile(this.at("feed.toml"), config);
    const words = ["gateway", "--config", this.at("feed.toml"), "--listen", "127.0.0.1:0"];
    return `${(await this.start(...words)).address}/feed`;
  }

  /** Kills the gateway without a warning, and starts another one on what it has kept. */
  async killGateway() {
    const { child } = this.gatewayProcess;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    await this.startGateway();
  }

  /** Runs one command to its end, and answers what it said. */
  async run(...words) {
    return (await promisify(execFile)(PROGRAM, words, this.surroundings())).stdout;
  }

  /** The same where it may say no: its exit status and what it said about it. */
  async tried(...words) {
    try {
      return { status: 0, said: await this.run(...words) };
    } catch (fault) {
      return { status: fault.code, said: fault.stderr };
    }
  }

  surroundings() {
    return { cwd: this.directory, env: { PATH: process.env.PATH, TOLLBRIDGE_SERVER: this.server } };
  }

  /** Starts what goes on until it is ended, and waits until it listens. */
  async start(...words) {
    const child = spawn(PROGRAM, words, { ...this.surroundings(), stdio: ["ignore", "pipe", "inherit"] });
    this.processes.push(child);
    // Also where a test ran out of time, and nobody closes the stage.
    process.once("exit", () => child.kill());
    for await (const line of createInterface({ input: child.stdout })) {
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (address) return { child, address };
    }
    throw new Error(`\`tollbridge ${words.join(" ")}\` ended before it listened`);
  }

  /** What is left in the wallet, in fen. */
  async left() {
    const shown = JSON.parse(await this.run("wallet", "show", "--json", "--key", this.book, this.wallet));
    return Number(shown.available.amount);
  }

  /** The owner's yes to exactly what she was asked. */
  async approve(question) {
    const owner = new Client(this.server, await readKeyFile(this.ownerKey));
    const { digest } = (await owner.list("/v1/questions")).data.find((one) => one.id === question);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const yes = { idempotencyKey: owner.freshKey(), signed: true };
    await owner.request("POST", `/v1/questions/${question}/approve`, { digest, until }, yes);
  }

  async close() {
    const ended = this.processes.map((child) => new Promise((resolve) => child.once("exit", resolve)));
    for (const [place, child] of this.processes.entries()) {
      // One that was killed already says nothing more.
      if (child.exitCode !== null || child.signalCode !== null) ended[place] = undefined;
      else child.kill();
    }
    await Promise.all(ended);
    await Promise.all([this.serverDoor.close(), this.gatewayDoor.close()]);
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Passes requests on. `before` may answer instead of the other side, and `after` lose its answer. */
export class Door {
  static async open() {
    const door = new Door();
    door.before = () => undefined;
    door.after = () => undefined;
    door.server = createServer((incoming, answer) => void door.pass(incoming, answer));
    await new Promise((resolve) => door.server.listen(0, "127.0.0.1", resolve));
    door.url = `http://127.0.0.1:${door.server.address().port}`;
    return door;
  }

  async pass(incoming, answer) {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts);
    if ((await this.before(incoming, body)) === "lost") return incoming.socket.destroy();
    const { hostname, port } = new URL(this.behind);
    const { method, url, headers } = incoming;
    const sent = httpRequest({ hostname, port, method, path: url, headers }, async (reply) => {
      const chunks = [];
      for await (const chunk of reply) chunks.push(chunk);
      if ((await this.after(incoming, reply)) === "lost") return incoming.socket.destroy();
      answer.writeHead(reply.statusCode, reply.rawHeaders);
      answer.end(Buffer.concat(chunks));
    });
    sent.on("error", () => incoming.socket.destroy());
    sent.end(body);
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
