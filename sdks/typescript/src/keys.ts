/** Whose key signs our requests. The signing itself is WebCrypto's. */

import { fromBase64url, concat, type Bytes } from "./bytes.js";
import { KeyFault } from "./errors.js";

/** A key and the name the server knows it by. */
export interface Credentials {
  /** The key's name: `key_…`. */
  readonly key: string;
  /** Signs these bytes: 64 bytes of Ed25519, or `r‖s` of ES256. */
  sign(message: Bytes): Promise<Bytes>;
}

// What PKCS #8 puts before the 32 secret bytes (RFC 8410; RFC 5915 without the public key).
const ED25519 = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);
const ES256 = Uint8Array.from([
  0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce,
  0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
]);

/** Credentials from a key's name and its 32 secret bytes in Base64URL. */
export async function credentials(key: string, seed: string, algorithm = "ed25519"): Promise<Credentials> {
  const secret = fromBase64url(seed);
  // The message must not show the seed.
  if (secret?.length !== 32) throw new KeyFault("`seed` is not 32 bytes in Base64URL");
  if (!/^key_[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(key))
    throw new KeyFault("`key` is not an id that begins with `key_`");
  if (algorithm !== "ed25519" && algorithm !== "es256")
    throw new KeyFault("`algorithm` is neither `ed25519` nor `es256`");
  const [head, kind, scheme] =
    algorithm === "ed25519"
      ? [ED25519, { name: "Ed25519" }, { name: "Ed25519" }]
      : [ES256, { name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }];
  const signing = await crypto.subtle.importKey("pkcs8", concat(head, secret), kind, false, ["sign"]);
  return { key, sign: async (message) => new Uint8Array(await crypto.subtle.sign(scheme, signing, message)) };
}

/** A key of Ed25519 that signs nothing but the vouchers of one channel, from its 32 secret bytes in Base64URL. */
export async function voucherKey(seed: string) {
  const secret = fromBase64url(seed);
  if (secret?.length !== 32) throw new KeyFault("the key of the vouchers is damaged");
  const signing = await crypto.subtle.importKey("pkcs8", concat(ED25519, secret), { name: "Ed25519" }, true, [
    "sign",
  ]);
  const { x: publicKey = "" } = await crypto.subtle.exportKey("jwk", signing);
  const sign = async (message: Bytes) =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", signing, message));
  return { publicKey, sign };
}

/**
 * Reads the content of a key file: `key`, `seed`, and perhaps `algorithm`, each on a line as `name = "text"`.
 */
export async function parseKeyFile(text: string): Promise<Credentials> {
  const found = new Map<string, string>();
  for (const [number, line] of text.split("\n").entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const member = /^\s*(key|seed|algorithm)\s*=\s*"([A-Za-z0-9_-]*)"\s*(?:#.*)?$/.exec(line);
    if (!member?.[1] || member[2] === undefined || found.has(member[1])) {
      throw new KeyFault(`the key file does not hold a key: line ${number + 1}`);
    }
    found.set(member[1], member[2]);
  }
  return credentials(found.get("key") ?? "", found.get("seed") ?? "", found.get("algorithm"));
}
