/**
 * The stage of the trials on a chain: a real node with a token, a server that settles there, and a door between both
 * through which questions to the node can be watched, held and lost.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import solc from "solc";
import { createPublicClient, createTestClient, createWalletClient, getAddress, http, parseEther } from "viem";
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

const PROGRAM = process.env.TOLLBRIDGE_BIN;
const NODE = process.env.TOLLBRIDGE_EVM_NODE;
if (!PROGRAM || !NODE)
  throw new Error("name the built `tollbridge` in TOLLBRIDGE_BIN, and the node in TOLLBRIDGE_EVM_NODE");

/** The account that the node gives coins to, by the words that every such node has. */
const DEPLOYER = mnemonicToAccount("test test test test test test test test test test test junk");

export const NETWORK = `eip155:${foundry.id}`;
export const NAME = "Trial Coin";
export const VERSION = "2";

/** What the token can be asked, once it is compiled. */
const ABI = [];

/** What is signed, as EIP-3009 has it. */
export const TYPES = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
};

export class Chain {
  static async open() {
    const chain = new Chain();
    chain.processes = [];
    chain.directory = await mkdtemp(join(tmpdir(), "tollbridge-evm-"));
    chain.node = await chain.start(
      NODE,
      "--host",
      "127.0.0.1",
      "--port",
      "0",
      "--chain-id",
      String(foundry.id),
    );
    const transport = http(chain.node.address);
    chain.reads = createPublicClient({ chain: foundry, transport, pollingInterval: 50 });
    chain.test = createTestClient({ chain: foundry, transport, mode: "anvil" });
    chain.deployer = createWalletClient({ chain: foundry, transport, account: DEPLOYER });
    await chain.deploy();
    chain.seller = privateKeyToAccount(generatePrivateKey()).address;
    const key = generatePrivateKey();
    chain.settler = privateKeyToAccount(key).address;
    await chain.test.setBalance({ address: chain.settler, value: parseEther("10") });
    chain.door = await Door.open(chain.node.address);
    await chain.openServer(key);
    return chain;
  }

  async deploy() {
    const content = await readFile(new URL("Coin.sol", import.meta.url), "utf8");
    const settings = { outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
    const input = { language: "Solidity", sources: { "Coin.sol": { content } }, settings };
    const { contracts, errors } = JSON.parse(solc.compile(JSON.stringify(input)));
    if (!contracts) throw new Error(JSON.stringify(errors));
    const { abi, evm } = contracts["Coin.sol"].Coin;
    ABI.push(...abi);
    const hash = await this.deployer.deployContract({
      abi,
      bytecode: `0x${evm.bytecode.object}`,
      args: [NAME, VERSION],
    });
    this.token = getAddress((await this.reads.waitForTransactionReceipt({ hash })).contractAddress);
  }

  async openServer(key) {
    const book = this.at("book");
    const init = spawn(PROGRAM, ["init", book, "--test"], { stdio: ["ignore", "ignore", "inherit"] });
    const [status] = await once(init, "exit");
    if (status !== 0) throw new Error("no book could be made");
    await writeFile(this.at("settler.key"), key);
    await chmod(this.at("settler.key"), 0o600);
    await this.configure({ confirmations: 1 });
    await this.startServer();
  }

  /** Writes down what the server serves. */
  async configure({ confirmations }) {
    const text = `[[network]]
chain_id = ${foundry.id}
rpc = "${this.door.url}"
settler_key_file = "settler.key"
confirmations = ${confirmations}
pay_to = ["${this.seller}"]

[[network.token]]
address = "${this.token}"
name = "${NAME}"
version = "${VERSION}"
decimals = 6
amount_min = "1000"
`;
    await writeFile(this.at("evm.toml"), text);
  }

  async startServer() {
    const words = ["serve", "--data", this.at("book"), "--listen", this.listen ?? "127.0.0.1:0"];
    this.serverProcess = await this.start(PROGRAM, ...words, "--evm", this.at("evm.toml"));
    this.server = this.serverProcess.address;
    // After a crash it is found where it was.
    this.listen = this.server.replace("http://", "");
  }

  /** Kills the server as power loss would. */
  async killServer() {
    const { child } = this.serverProcess;
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }

  at(name) {
    return join(this.directory, name);
  }

  /** A payer with so much of the token. */
  async payer(value) {
    const account = privateKeyToAccount(generatePrivateKey());
    if (0n < value) {
      const args = [account.address, value];
      const hash = await this.deployer.writeContract({
        address: this.token,
        abi: ABI,
        functionName: "mint",
        args,
      });
      await this.reads.waitForTransactionReceipt({ hash });
    }
    return account;
  }

  read(functionName, ...args) {
    return this.reads.readContract({ address: this.token, abi: ABI, functionName, args });
  }

  /** Who has how much, and how many transactions the settler has sent. */
  async standing(...accounts) {
    const balances = await Promise.all(accounts.map((account) => this.read("balanceOf", account)));
    return [...balances, await this.reads.getTransactionCount({ address: this.settler })];
  }

  /** Waits until so many transactions wait for a block. */
  async untilPending(count) {
    while (Number((await this.test.getTxpoolStatus()).pending) < count)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Somebody else sends an authorization. */
  async sendByAnother({ authorization: it, signature }, fees = {}) {
    const [r, s, v] = [
      signature.slice(0, 66),
      `0x${signature.slice(66, 130)}`,
      Number(`0x${signature.slice(130)}`),
    ];
    const args = [it.from, it.to, it.value, it.validAfter, it.validBefore, it.nonce, v, r, s];
    const functionName = "transferWithAuthorization";
    const call = { address: this.token, abi: ABI, functionName, args };
    // Without asking the node what it takes: that may depend on what still waits for a block.
    const hash = await this.deployer.writeContract({ ...call, gas: 200_000n, ...fees });
    await this.reads.waitForTransactionReceipt({ hash });
    return hash;
  }

  /** Starts what goes on until it is ended, and waits until it listens. */
  async start(program, ...words) {
    const env = { ...process.env, RUST_LOG: "error" };
    const child = spawn(program, words, { env, stdio: ["ignore", "pipe", "inherit"] });
    this.processes.push(child);
    process.once("exit", () => child.kill());
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port && port !== "0") {
        child.stdout.resume();
        return { child, address: `http://127.0.0.1:${port}` };
      }
    }
    throw new Error(`\`${program} ${words.join(" ")}\` ended before it listened`);
  }

  async close() {
    for (const child of this.processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
    await this.door.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Passes questions on to the node. `before` and `after` may answer `lost`, and `before` what to say instead. */
class Door {
  static async open(behind) {
    const door = new Door();
    door.behind = behind;
    door.quiet();
    door.server = createServer((incoming, answer) => void door.pass(incoming, answer));
    await new Promise((resolve) => door.server.listen(0, "127.0.0.1", resolve));
    door.url = `http://127.0.0.1:${door.server.address().port}`;
    return door;
  }

  quiet() {
    this.before = () => undefined;
    this.after = () => undefined;
  }

  async pass(incoming, answer) {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const { method } = JSON.parse(body);
    const said = await this.before(method, body);
    if (said === "lost") return incoming.socket.destroy();
    if (said) return answer.end(said);
    const headers = { "content-type": "application/json" };
    const reply = await (await fetch(this.behind, { method: "POST", headers, body })).text();
    if ((await this.after(method)) === "lost") return incoming.socket.destroy();
    answer.setHeader("content-type", "application/json").end(reply);
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
