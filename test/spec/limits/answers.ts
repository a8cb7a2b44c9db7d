/** Reading what an answer says of limits. */
import type { Answered } from "../client.ts";

export function header(answered: Answered, name: string): number {
  const value = answered.headers.get(name);
  if (value === undefined) throw new Error(`the answer has no header ${name}: ${answered.status} ${answered.text.slice(0, 300)}`);
  return Number(value);
}

/** `1s`, `6m0s`, `12ms` in milliseconds. */
export function durationMs(text: string | undefined): number {
  const [, minutes = "0", amount, unit] = /^(?:(\d+)m(?!s))?(?:([0-9.]+)(ms|s))?$/.exec(text ?? "") ?? [];
  if (amount === undefined) throw new Error(`no duration: ${text}`);
  return Number(minutes) * 60_000 + Number(amount) * (unit === "s" ? 1_000 : 1);
}
