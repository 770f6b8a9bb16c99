/**
 * What requests to the server are signed over: HTTP message signatures (RFC 9421) with a digest of the body
 * (RFC 9530), and codes of a session.
 */

import { base64, base64url, concat, sha256, utf8, type Bytes } from "./bytes.js";
import type { Credentials } from "./keys.js";

/** A request to be signed. */
export interface ToSign {
  readonly method: string;
  readonly url: URL;
  readonly body: Bytes;
}

/** The text that a signature is over, and the value of `Signature-Input` without its label. */
export async function signatureBase(
  request: ToSign,
  key: string,
  createdSeconds: number,
  nonce: bigint,
): Promise<{ base: string; params: string; contentDigest?: string }> {
  const covered: [string, string][] = [
    ["@method", request.method],
    ["@authority", request.url.host],
    ["@path", request.url.pathname],
    ["@query", request.url.search || "?"],
  ];
  let contentDigest: string | undefined;
  if (request.body.length !== 0) {
    contentDigest = `sha-256=:${base64(await sha256(request.body))}:`;
    covered.push(["content-digest", contentDigest]);
  }
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const params = `(${names});created=${createdSeconds};keyid="${key}";nonce="${nonce}";tag="tollbridge"`;
  const lines = covered.map(([name, value]) => `"${name}": ${value}\n`);
  const base = `${lines.join("")}"@signature-params": ${params}`;
  return contentDigest === undefined ? { base, params } : { base, params, contentDigest };
}

/** The headers of a request that is signed by itself. */
export async function signatureHeaders(
  request: ToSign,
  by: Credentials,
  nowMs: number,
  nonce: bigint,
): Promise<Record<string, string>> {
  const signed = await signatureBase(request, by.key, Math.floor(nowMs / 1_000), nonce);
  const signature = base64(await by.sign(utf8(signed.base)));
  const headers = { "signature-input": `sig=${signed.params}`, signature: `sig=:${signature}:` };
  return signed.contentDigest === undefined
    ? headers
    : { ...headers, "content-digest": signed.contentDigest };
}

/** A session that was opened: its name, and what makes its codes. */
export interface Session {
  readonly session: string;
  mac(message: Bytes): Promise<Bytes>;
}

/** The session with this name and secret. */
export async function sessionOf(session: string, secret: Bytes): Promise<Session> {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  return { session, mac: async (message) => new Uint8Array(await crypto.subtle.sign("HMAC", key, message)) };
}

/** The value of `Authorization` for one request in a session. */
export async function sessionCode(request: ToSign, session: Session, nonce: bigint): Promise<string> {
  const lines = `${request.method}\n${request.url.pathname}${request.url.search}\n${nonce}\n`;
  const mac = await session.mac(concat(utf8(lines), request.body));
  return `Toll ${session.session}:${nonce}:${base64url(mac)}`;
}
