/**
 * Checking a receipt without asking anybody: the entry is in the log, and the log's key signed that it is.
 *
 * Hashes are those of RFC 6962, checkpoints those of C2SP. The key that comes with a receipt proves nothing,
 * and is not looked at.
 */

import { base64, concat, equal, fromBase64, fromBase64url, sha256, utf8, type Bytes } from "./bytes.js";
import { TollbridgeError } from "./errors.js";
import {
  KEY_NAME_BYTES_MAX,
  KEY_TERMS_MAX,
  NOTE_BYTES_MAX,
  NOTE_SIGNATURES_MAX,
  PROOF_HASHES_MAX,
  TREE_SIZE_MAX,
} from "./limits.js";

/** One entry with all that is needed to check it offline, as the server writes it. */
export interface Receipt {
  /** Its place in the journal, counted from 0. */
  entry: number;
  /** Its canonical bytes in Base64URL. */
  bytes: string;
  /** The hashes that lead to the checkpoint's root, in Base64, lowest first. */
  proof: string[];
  /** The signed state of the log: a C2SP note. */
  checkpoint: string;
  /** A key. It is not looked at. */
  vkey: string;
}

/** What a receipt shows, once checked. */
export interface Recorded {
  /** The entry's place in the log. */
  readonly entry: number;
  /** The entry's canonical bytes. */
  readonly bytes: Uint8Array;
  /** The log, and how many entries its checkpoint covers. */
  readonly origin: string;
  readonly size: bigint;
}

/** The receipt shows nothing, or the keys to check it with are none. */
export class ReceiptFalse extends TollbridgeError {
  constructor(code: string, why: string) {
    super(code, "stop", `the receipt is false: ${why}`);
  }
}

interface Verifier {
  readonly name: string;
  readonly id: Bytes;
  readonly key: CryptoKey;
}

interface Term {
  readonly verifier: Verifier;
  readonly from: bigint;
  readonly until: bigint | undefined;
}

/**
 * Checks that the log with these keys has this entry at this place. `vkey` is what `GET /log/vkey` said when
 * you first met the server.
 */
export async function verifyReceipt(receipt: Receipt, vkey: string): Promise<Recorded> {
  const terms = await keyHistory(vkey);
  const entry = typeof receipt.bytes === "string" ? fromBase64url(receipt.bytes) : undefined;
  if (!entry) throw malformed("bytes");
  const proof = (Array.isArray(receipt.proof) ? receipt.proof : [undefined]).map((hash) =>
    typeof hash === "string" ? fromBase64(hash) : undefined,
  );
  if (PROOF_HASHES_MAX < proof.length || proof.some((hash) => hash?.length !== 32)) throw malformed("proof");
  if (!Number.isSafeInteger(receipt.entry) || receipt.entry < 0) throw malformed("entry");
  if (typeof receipt.checkpoint !== "string") throw malformed("checkpoint");
  const checkpoint = await openCheckpoint(receipt.checkpoint, terms);
  await climb(entry, BigInt(receipt.entry), checkpoint, proof as Bytes[]);
  if (placeOf(entry) !== BigInt(receipt.entry)) {
    throw new ReceiptFalse("entry_misplaced", "the entry belongs to another place");
  }
  return { entry: receipt.entry, bytes: entry, origin: checkpoint.origin, size: checkpoint.size };
}

function malformed(member: string): ReceiptFalse {
  return new ReceiptFalse("receipt_malformed", `\`${member}\` of the receipt is malformed`);
}

/** Reads the keys of a log: a line for each, newest first, with the sizes that each may sign. */
async function keyHistory(text: string): Promise<Term[]> {
  const lines = text.replace(/\n$/, "").split("\n");
  if (KEY_TERMS_MAX < lines.length) throw notKeys("there are too many");
  const terms: Term[] = [];
  for (const line of lines) {
    const [vkey = "", from, until, ...more] = line.split(" ");
    const verifier = await readVerifier(vkey);
    const sizes = [from, until].filter((size) => size !== undefined);
    // One spelling: the first size stands alone only where it is not 0.
    if (
      more.length !== 0 ||
      !sizes.every((size) => /^(0|[1-9][0-9]{0,18})$/.test(size)) ||
      (from === "0" && until === undefined)
    ) {
      throw notKeys("a line is not a key and the sizes it signs");
    }
    terms.unshift({
      verifier,
      from: BigInt(from ?? 0),
      until: until === undefined ? undefined : BigInt(until),
    });
  }
  let free: bigint | undefined = 0n;
  for (const term of terms) {
    const isEmpty = term.until !== undefined && term.until <= term.from;
    if (free === undefined || term.from < free || isEmpty || term.verifier.name !== terms[0]?.verifier.name) {
      throw notKeys("they are not the keys of one log, one after the other");
    }
    free = term.until;
  }
  return terms;
}

function notKeys(why: string): ReceiptFalse {
  return new ReceiptFalse("keys_malformed", `the log's keys cannot be read: ${why}`);
}

async function readVerifier(vkey: string): Promise<Verifier> {
  const [name, id, ...rest] = vkey.split("+");
  const bytes = fromBase64(rest.join("+"));
  if (name === undefined || !isKeyName(name) || bytes?.length !== 33 || bytes[0] !== 1)
    throw notKeys("a key is malformed");
  const own = (await sha256(concat(utf8(`${name}\n`), bytes))).slice(0, 4);
  const hex = [...own].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== id) throw notKeys("a key has another key's id");
  try {
    const key = await crypto.subtle.importKey("raw", bytes.slice(1), { name: "Ed25519" }, false, ["verify"]);
    return { name, id: own, key };
  } catch {
    throw notKeys("a key is malformed");
  }
}

function isKeyName(name: string): boolean {
  return name !== "" && utf8(name).length <= KEY_NAME_BYTES_MAX && !/[\s\p{White_Space}\p{Cc}+]/u.test(name);
}

interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
}

/** Takes a checkpoint from its note, if the key for its size signed it. */
async function openCheckpoint(note: string, terms: Term[]): Promise<Checkpoint> {
  const notANote = new ReceiptFalse("note_malformed", "the note is malformed");
  if (NOTE_BYTES_MAX < utf8(note).length) {
    throw new ReceiptFalse(
      "note_malformed",
      `a note has at most ${NOTE_BYTES_MAX} bytes, not \`${utf8(note).length}\``,
    );
  }
  const gap = note.lastIndexOf("\n\n");
  if (/[\x00-\x09\x0b-\x1f]/.test(note) || gap < 0 || !note.endsWith("\n") || note.length < gap + 3)
    throw notANote;
  const text = note.slice(0, gap + 1);
  const lines = note.slice(gap + 2, -1).split("\n");
  if (NOTE_SIGNATURES_MAX < lines.length) {
    throw new ReceiptFalse(
      "note_malformed",
      `a note has at most ${NOTE_SIGNATURES_MAX} signatures, not \`${lines.length}\``,
    );
  }
  const signatures = lines.map((line) => {
    const [, name, value] = /^\u2014 ([^ ]*) (.*)$/su.exec(line) ?? [];
    const bytes = value === undefined ? undefined : fromBase64(value);
    if (name === undefined || !isKeyName(name) || !bytes || bytes.length < 5) throw notANote;
    return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
  });
  const checkpoint = readCheckpoint(text);
  const term = terms.find(
    ({ from, until }) => from <= checkpoint.size && (until === undefined || checkpoint.size < until),
  );
  if (!term)
    throw new ReceiptFalse("key_missing", `the log has no key for a tree of \`${checkpoint.size}\` leaves`);
  const { name, id, key } = term.verifier;
  if (checkpoint.origin !== name) {
    throw new ReceiptFalse(
      "log_differs",
      `the checkpoint is by \`${checkpoint.origin}\`, not by \`${name}\``,
    );
  }
  const ours = signatures.filter((line) => line.name === name && equal(line.id, id));
  if (ours.length === 0) throw new ReceiptFalse("not_signed", `the note is not signed by \`${name}\``);
  for (const { signature } of ours) {
    if (!(await crypto.subtle.verify({ name: "Ed25519" }, key, signature, utf8(text)))) {
      throw new ReceiptFalse("signature_false", `the signature by \`${name}\` is wrong`);
    }
  }
  return checkpoint;
}

function readCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = "", ...more] = text.slice(0, -1).split("\n");
  const bytes = fromBase64(root);
  const leaves = /^(0|[1-9][0-9]{0,19})$/.test(size) ? BigInt(size) : undefined;
  const isFine = isKeyName(origin) && leaves !== undefined && leaves <= TREE_SIZE_MAX && bytes?.length === 32;
  // The root of no leaves is the hash of nothing.
  if (
    !isFine ||
    more.includes("") ||
    (leaves === 0n && base64(bytes) !== "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
  ) {
    throw new ReceiptFalse("checkpoint_malformed", "the checkpoint is malformed");
  }
  return { origin, size: leaves, root: bytes };
}

/** The way from a leaf up to the root (RFC 9162 section 2.1.3.2). */
async function climb(entry: Bytes, index: bigint, checkpoint: Checkpoint, proof: Bytes[]): Promise<void> {
  if (checkpoint.size <= index) {
    throw new ReceiptFalse(
      "leaf_missing",
      `leaf \`${index}\` is not in a tree of \`${checkpoint.size}\` leaves`,
    );
  }
  let [node, last] = [index, checkpoint.size - 1n];
  let hash = await sha256(concat(Uint8Array.of(0), entry));
  const wrongLength = new ReceiptFalse("proof_length", "the proof has the wrong length");
  for (const sibling of proof) {
    if (last === 0n) throw wrongLength;
    if ((node & 1n) === 1n || node === last) {
      hash = await sha256(concat(Uint8Array.of(1), sibling, hash));
      // On the right edge, heights without a sibling are passed over.
      while ((node & 1n) === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      hash = await sha256(concat(Uint8Array.of(1), hash, sibling));
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n) throw wrongLength;
  if (!equal(hash, checkpoint.root))
    throw new ReceiptFalse("root_differs", "the proof leads to another root");
}

/** The place that an entry says it has: the integer at its beginning, seven bits a byte, lowest first. */
function placeOf(entry: Bytes): bigint | undefined {
  let place = 0n;
  for (const [number, byte] of entry.subarray(0, 10).entries()) {
    place |= BigInt(byte & 0x7f) << BigInt(7 * number);
    if (byte < 0x80) return byte === 0 && number !== 0 ? undefined : place;
  }
  return undefined;
}
