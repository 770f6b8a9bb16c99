/** Identifiers: a prefix that says of what, and 26 characters that begin with the time they were made. */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** 128 bits as 26 characters of Crockford's base 32. */
export function writeBits(bits: bigint): string {
  let text = "";
  for (let place = 25n; 0n <= place; place -= 1n) text += ALPHABET[Number((bits >> (place * 5n)) & 31n)];
  return text;
}

/** The 128 bits of 26 characters of Crockford's base 32. */
export function readBits(text: string): bigint {
  return [...text].reduce((bits, character) => (bits << 5n) | BigInt(ALPHABET.indexOf(character)), 0n);
}

/** A fresh identifier without a prefix: 48 bits of milliseconds, then 80 random ones. */
export function freshBits(nowMs: number): string {
  const random = crypto
    .getRandomValues(new Uint8Array(10))
    .reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
  return writeBits((BigInt(Math.floor(nowMs)) << 80n) | random);
}

/** A fresh identifier, such as `freshId("pay", Date.now())`: once for one purchase. */
export function freshId(prefix: string, nowMs: number): string {
  return `${prefix}_${freshBits(nowMs)}`;
}
