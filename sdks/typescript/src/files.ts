/**
 * What needs a file system: key files, and purchases in a directory. The only file of this package that
 * imports from Node.
 */

import { link, mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { KeyFault } from "./errors.js";
import { parseKeyFile, type Credentials } from "./keys.js";
import { KEY_FILE_BYTES_MAX } from "./limits.js";
import type { PurchaseStore } from "./store.js";

/** Reads a key file. One that others than its owner may read is refused. */
export async function readKeyFile(path: string): Promise<Credentials> {
  let text: string;
  try {
    const file = await open(path, "r");
    try {
      const found = await file.stat();
      if ((found.mode & 0o077) !== 0) {
        throw new KeyFault(
          `key file \`${path}\` may be read by others than its owner; run \`chmod 600\` on it`,
        );
      }
      if (KEY_FILE_BYTES_MAX < found.size) throw new KeyFault(`key file \`${path}\` is too long`);
      text = await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (fault) {
    if (fault instanceof KeyFault) throw fault;
    throw new KeyFault(`key file \`${path}\` cannot be read (${(fault as Error).message})`);
  }
  return parseKeyFile(text);
}

/** Where purchases are kept unless somebody says otherwise. */
export function defaultPurchases(): string {
  return process.env["TOLLBRIDGE_PURCHASES"] ?? join(homedir(), ".tollbridge", "sdk-purchases");
}

/** What the environment says: `TOLLBRIDGE_…`. */
export function environment(name: string): string | undefined {
  return process.env[`TOLLBRIDGE_${name}`];
}

/** Purchases in a directory: one file for each attempt, written beside, synced, and put in place whole. */
export class FileStore implements PurchaseStore {
  readonly #directory: string;
  #made: Promise<unknown> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#directory, `${name}.json`), "utf8");
    } catch (fault) {
      if ((fault as { code?: string }).code === "ENOENT") return undefined;
      throw fault;
    }
  }

  async add(name: string, text: string): Promise<boolean> {
    const beside = await this.#write(name, text);
    try {
      await link(beside, join(this.#directory, `${name}.json`));
    } catch (fault) {
      if ((fault as { code?: string }).code === "EEXIST") return false;
      throw fault;
    } finally {
      await unlink(beside);
    }
    await this.#sync();
    return true;
  }

  async replace(name: string, text: string): Promise<void> {
    await rename(await this.#write(name, text), join(this.#directory, `${name}.json`));
    await this.#sync();
  }

  async #write(name: string, text: string): Promise<string> {
    await (this.#made ??= mkdir(this.#directory, { recursive: true, mode: 0o700 }));
    const random = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
    const beside = join(this.#directory, `${name}.${random}.new`);
    const file = await open(beside, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    return beside;
  }

  async #sync(): Promise<void> {
    const directory = await open(this.#directory, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}
