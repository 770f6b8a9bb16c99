/** Money: whole numbers of smallest units, as text on the wire and as bigint here. Never a float. */

import { Malformed } from "./errors.js";
import { AMOUNT_MAX, ASSET_SCALE_MAX } from "./limits.js";

/** An amount of an asset, as the server writes it: `{"amount": "1250", "asset": "CNY/2"}` is 12.50 CNY. */
export interface Money {
  /** Smallest units, in decimal. */
  readonly amount: string;
  /** Code and decimals, such as `CNY/2`. */
  readonly asset: string;
}

/**
 * How callers say money: `"0.05 CNY"` or `"0.05"` in whole units, or a bigint of smallest units. A number is
 * refused.
 */
export type AmountLike = string | bigint | Money;

/** The code of an asset, and the decimals of its smallest unit. */
export function assetParts(asset: string): { code: string; scale: number } {
  const found = /^([A-Za-z0-9_.-]{1,16})\/(0|[1-9][0-9]?)$/.exec(asset);
  const scale = Number(found?.[2]);
  if (!found?.[1] || ASSET_SCALE_MAX < scale)
    throw new Malformed(`\`${asset}\` is not an asset like \`CNY/2\``);
  return { code: found[1], scale };
}

/** Smallest units as the wire writes them: decimal, without sign or leading zero. */
export function minorOf(text: string): bigint {
  const minor = /^(0|[1-9][0-9]{0,30})$/.test(text) ? BigInt(text) : undefined;
  if (minor === undefined || AMOUNT_MAX < minor) {
    throw new Malformed(`\`${text.slice(0, 48)}\` is not an amount in smallest units`);
  }
  return minor;
}

/** Reads what a caller said, in `asset`. Exactly, or not at all. */
export function readMoney(said: AmountLike, asset: string): Money {
  if (typeof said === "number") {
    throw new Malformed(
      'a number is not an amount: say it as text, such as "0.05 CNY", or as bigint',
      "float_refused",
    );
  }
  if (typeof said === "bigint") {
    if (said < 0n || AMOUNT_MAX < said) throw new Malformed(`\`${said}\` is not an amount`);
    return { amount: said.toString(), asset };
  }
  if (typeof said === "object") {
    if (said.asset !== asset) throw new Malformed(`\`${said.asset}\` is not \`${asset}\``, "asset_mismatch");
    return { amount: minorOf(said.amount).toString(), asset };
  }
  const { code, scale } = assetParts(asset);
  const [number = "", named] = said.trim().split(/ +(.*)/, 2);
  if (named !== undefined && named !== code && named !== asset) {
    throw new Malformed(`\`${said.slice(0, 48)}\` is not in \`${asset}\``, "asset_mismatch");
  }
  const found = /^([0-9]{1,40})(?:\.([0-9]*))?$/.exec(number);
  const decimals = found?.[2] ?? "";
  if (!found?.[1] || scale < decimals.length) {
    throw new Malformed(
      `\`${said.slice(0, 48)}\` is not an amount of \`${asset}\`, such as \`0.50 ${code}\``,
    );
  }
  const minor = BigInt(found[1] + decimals.padEnd(scale, "0"));
  if (AMOUNT_MAX < minor) throw new Malformed(`\`${said.slice(0, 48)}\` is too much`);
  return { amount: minor.toString(), asset };
}

/** As people read it: `12.50 CNY`. */
export function inWords(money: Money): string {
  const { code, scale } = assetParts(money.asset);
  const digits = money.amount.padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`} ${code}`;
}
