/**
 * The client of one server: proves its key once, then sends each request with a code of its own, and again
 * where that is safe.
 *
 * A request is repeated only as it is, under the same id, and only where it was not done or nobody knows. No
 * repetition ever has a new id, so none can pay twice.
 */

import { fromBase64url, utf8, type Bytes } from "./bytes.js";
import { Malformed, OutcomeUnknown, Refused, TollbridgeError, Unreachable, type Problem } from "./errors.js";
import { freshBits, freshId } from "./ids.js";
import type { Credentials } from "./keys.js";
import {
  ANSWER_BYTES_MAX,
  BACKOFF_MAX_MS,
  BACKOFF_MIN_MS,
  SESSION_MARGIN_SECONDS,
  SESSION_SECONDS,
  TRIES_MAX,
  TRY_TIMEOUT_MS,
} from "./limits.js";
import { sessionCode, sessionOf, signatureHeaders, type Session, type ToSign } from "./sign.js";

const VERSION = "2026-11-01";

/** How one request differs from the usual. */
export interface RequestOptions {
  /** Names a change that makes nothing of its own: 26 characters of `client.freshKey()`. */
  readonly idempotencyKey?: string;
  /** Signed by itself, not by the session: for what an owner has to be present for. */
  readonly signed?: boolean;
}

/** One page of a list. */
export interface Page<T> {
  readonly data: T[];
  readonly next_cursor: string | null;
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** A client of one server, acting with one key. */
export class Client {
  readonly base: URL;
  readonly now: () => number;
  readonly #by: Credentials;
  #session: { opened: Promise<Session>; renewAtMs: number } | undefined;
  #nonce = 0n;

  /** `server` is like `https://pay.example`, without a path. Nothing is sent yet. */
  constructor(server: string, by: Credentials, now: () => number = Date.now) {
    const base = parsed(server);
    if (!base || !/^https?:$/.test(base.protocol) || base.pathname !== "/" || base.search !== "") {
      throw new Malformed(
        `\`${server}\` is not the address of a server, like \`https://pay.example\` without a path`,
      );
    }
    this.base = base;
    this.#by = by;
    this.now = now;
  }

  /** A new identifier, such as `client.freshId("pay")`: once for one purchase. */
  freshId(prefix: string): string {
    return freshId(prefix, this.now());
  }

  /** A new name for a change that makes nothing of its own. */
  freshKey(): string {
    return freshBits(this.now());
  }

  /** Reads what is at `path`, which may have a query. */
  async get<T>(path: string): Promise<T> {
    return (await this.request<T>("GET", path)).answer;
  }

  /** Sends a request until it is answered, a few times at most. Answers status and body, or throws. */
  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<{ status: number; answer: T }> {
    const bytes = body === undefined ? new Uint8Array() : utf8(JSON.stringify(body));
    const url = new URL(path, this.base);
    if (url.origin !== this.base.origin) throw new Malformed(`\`${path}\` is not a path of the server`);
    const reply = await this.#send({ method, url, body: bytes }, options);
    const answer = read(reply.text);
    if (200 <= reply.status && reply.status < 300) {
      if (answer === undefined) throw new OutcomeUnknown("the answer is not JSON");
      return { status: reply.status, answer: answer as T };
    }
    if (isProblem(answer)) throw new Refused(answer);
    throw new OutcomeUnknown(`the answer cannot be read, status ${reply.status}`);
  }

  /** One page of a list, such as `client.list("/v1/payments", { limit: 20 })`. */
  async list<T>(path: string, page: { limit?: number; cursor?: string } = {}): Promise<Page<T>> {
    const url = new URL(path, this.base);
    if (page.limit !== undefined) url.searchParams.set("limit", String(page.limit));
    if (page.cursor !== undefined) url.searchParams.set("cursor", page.cursor);
    return this.get(url.pathname + url.search);
  }

  /** Everything in a list, page by page. */
  async *all<T>(path: string): AsyncGenerator<T, void, undefined> {
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.list(
        path,
        cursor === undefined ? { limit: 100 } : { limit: 100, cursor },
      );
      yield* page.data;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  async #send(request: ToSign, options: RequestOptions): Promise<Reply> {
    let waitMs = BACKOFF_MIN_MS;
    let mayBeDone = false;
    let sessionIsNew = false;
    for (let tries = 1; ; tries += 1) {
      let reply: Reply | undefined;
      let fault: unknown;
      try {
        reply = await this.#sendOnce(request, options);
      } catch (caught) {
        fault = caught;
      }
      let again: boolean;
      if (reply?.status === 401 && !options.signed) {
        // The server may have forgotten the session; a second refusal is the answer.
        again = !sessionIsNew;
        sessionIsNew = true;
      } else if (reply) {
        again = isToBeRepeated(reply);
      } else {
        again = fault instanceof Unreachable || fault instanceof OutcomeUnknown || isBusy(fault);
      }
      mayBeDone ||= fault instanceof OutcomeUnknown;
      if (!again || TRIES_MAX <= tries) {
        if (reply) return reply;
        // An earlier try went out, so "never reached" would be too much said.
        if (fault instanceof Unreachable && mayBeDone) throw new OutcomeUnknown(fault.message);
        throw fault;
      }
      await sleep(Math.min(reply?.retryAfterMs ?? waitMs, BACKOFF_MAX_MS));
      waitMs = Math.min(waitMs * 2, BACKOFF_MAX_MS);
    }
  }

  async #sendOnce(request: ToSign, options: RequestOptions): Promise<Reply> {
    if (options.signed) return this.#exchange(request, await this.#signature(request), options);
    const opened = this.#current();
    const session = await opened;
    const authorization = await sessionCode(request, session, this.#nextNonce());
    const reply = await this.#exchange(request, { authorization }, options);
    if (reply.status === 401 && this.#session?.opened === opened) this.#session = undefined;
    return reply;
  }

  /** The session in use. Whoever finds none that lasts opens one, while the others wait. */
  #current(): Promise<Session> {
    if (this.#session && this.now() < this.#session.renewAtMs) return this.#session.opened;
    const lasts = (SESSION_SECONDS - SESSION_MARGIN_SECONDS) * 1_000;
    const fresh = { opened: this.#open(), renewAtMs: this.now() + lasts };
    this.#session = fresh;
    fresh.opened.catch(() => {
      if (this.#session === fresh) this.#session = undefined;
    });
    return fresh.opened;
  }

  async #open(): Promise<Session> {
    const body = utf8(JSON.stringify({ seconds: SESSION_SECONDS }));
    const request = { method: "POST", url: new URL("/v1/sessions", this.base), body };
    const reply = await this.#exchange(request, await this.#signature(request), {});
    const answer = read(reply.text) as { session?: unknown; secret?: unknown } | undefined;
    if (isProblem(answer)) throw new Refused(answer);
    const secret = typeof answer?.secret === "string" ? fromBase64url(answer.secret) : undefined;
    if (typeof answer?.session !== "string" || secret?.length !== 32)
      throw new OutcomeUnknown("the session cannot be read");
    return sessionOf(answer.session, secret);
  }

  #signature(request: ToSign): Promise<Record<string, string>> {
    return signatureHeaders(request, this.#by, this.now(), this.#nextNonce());
  }

  /**
   * Microseconds since 1970, always larger than the one before. Clocks tell milliseconds, so chance tells the
   * rest.
   */
  #nextNonce(): bigint {
    const micros = BigInt(Math.floor(this.now())) * 1_000n + BigInt(Math.floor(Math.random() * 1_000));
    this.#nonce = micros <= this.#nonce ? this.#nonce + 1n : micros;
    return this.#nonce;
  }

  async #exchange(request: ToSign, auth: Record<string, string>, options: RequestOptions): Promise<Reply> {
    const headers = new Headers({ ...auth, "tollbridge-version": VERSION });
    if (request.body.length !== 0) headers.set("content-type", "application/json");
    if (options.idempotencyKey !== undefined) headers.set("idempotency-key", options.idempotencyKey);
    try {
      const response = await fetch(request.url, {
        method: request.method,
        headers,
        redirect: "manual",
        signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
        ...(request.body.length === 0 ? {} : { body: request.body }),
      });
      const seconds = Number(response.headers.get("retry-after") ?? "");
      const text = new TextDecoder().decode(await readBody(response, ANSWER_BYTES_MAX));
      return { status: response.status, text, ...(0 < seconds ? { retryAfterMs: seconds * 1_000 } : {}) };
    } catch (fault) {
      throw lost(fault);
    }
  }
}

/** Whether the same request may be answered otherwise in a moment, and was not done now. */
function isToBeRepeated(reply: Reply): boolean {
  if (reply.status === 503 || reply.status === 429) return true;
  const problem = read(reply.text);
  if (reply.status < 400 || 500 <= reply.status || !isProblem(problem)) return false;
  // Many requests at once may overtake each other by more nonces than the server remembers: draw again.
  return problem.code === "nonce_used" || (problem.retryable && problem.next === "same_id");
}

/** Whether no session could be opened, for now. */
function isBusy(fault: unknown): boolean {
  const problem = fault instanceof Refused ? fault.problem : undefined;
  return (
    problem !== undefined && (problem.code === "nonce_used" || (problem.status === 503 && problem.retryable))
  );
}

function isProblem(answer: unknown): answer is Problem {
  const told = answer as Partial<Problem> | undefined;
  return typeof told?.code === "string" && typeof told.detail === "string" && typeof told.status === "number";
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** Reads a body, and not more than so much of it. */
export async function readBody(response: Response, bytesMax: number): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (bytesMax < length) throw new Error("the answer is too long");
    parts.push(part);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What a platform says where a connection was never made. Anything else may have been done. */
const NEVER_MADE = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** A connection that was never made did nothing; anything later may have. */
export function lost(fault: unknown): TollbridgeError {
  if (fault instanceof TollbridgeError) return fault;
  const cause = (fault as { cause?: { code?: unknown; message?: unknown; errors?: { code?: unknown }[] } })
    .cause;
  const codes = [cause?.code, ...(cause?.errors ?? []).map((one) => one.code)].filter(
    (code) => code !== undefined,
  );
  const said =
    typeof cause?.message === "string" && cause.message !== "" ? cause.message : String(codes[0] ?? fault);
  const neverMade =
    codes.length !== 0 && codes.every((code) => typeof code === "string" && NEVER_MADE.has(code));
  return neverMade ? new Unreachable(said) : new OutcomeUnknown(said);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
