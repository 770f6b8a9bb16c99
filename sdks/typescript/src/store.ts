/**
 * What is known about each purchase, kept before anything is paid, so that one purchase key is paid for once.
 *
 * A purchase is a row of attempts. Each has one name for its payment, and is kept under a name of its own.
 * `add` decides between two who begin the same attempt, so both go on with the same payment: whoever comes
 * second repeats it.
 */

/** Where purchases are kept. Names are 1 to 64 of `A–Z a–z 0–9 _ - .`. */
export interface PurchaseStore {
  /** The text under this name, if there is one. */
  read(name: string): Promise<string | undefined>;
  /**
   * Keeps the text unless there is one already; says whether it did. When it returns, the text survives power
   * loss.
   */
  add(name: string, text: string): Promise<boolean>;
  /** Keeps the text in place of the one there is. When it returns, the text survives power loss. */
  replace(name: string, text: string): Promise<void>;
}

/** A store that forgets everything with the process: for trying things out. */
export class MemoryStore implements PurchaseStore {
  readonly #kept = new Map<string, string>();

  async read(name: string): Promise<string | undefined> {
    return this.#kept.get(name);
  }

  async add(name: string, text: string): Promise<boolean> {
    if (this.#kept.has(name)) return false;
    this.#kept.set(name, text);
    return true;
  }

  async replace(name: string, text: string): Promise<void> {
    this.#kept.set(name, text);
  }
}
