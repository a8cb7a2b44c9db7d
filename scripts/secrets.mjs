/** After the tests: whether anything that the gateways said or kept holds what must never be seen. See `test/support/collected.ts`, which gathers it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One JSON line for each secret: what it is, and the secret. */
export const REGISTER = "registered.jsonl";

/** A key as Weir makes them: 32 random bytes. The demo's is printed on purpose. */
const MADE_KEY = /weir_(?!demo)(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{43}(?![\w-])/;

/**
 * @param {string} folder
 * @returns {{ sources: number, secrets: number, found: string[] }} `found`: file, line and what it is; never the secret itself
 */
export function findSecrets(folder) {
  const names = readdirSync(folder);
  /** @type {Map<string, string>} */
  const secrets = new Map();
  if (names.includes(REGISTER)) {
    for (const line of readFileSync(join(folder, REGISTER), "utf8").split("\n").filter(Boolean)) {
      const { what, secret } = JSON.parse(line);
      secrets.set(secret, what);
    }
  }
  const sources = names.filter((name) => name !== REGISTER);
  const found = sources.flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const lineOf = (/** @type {number} */ at) => text.slice(0, at).split("\n").length;
    const registered = [...secrets].flatMap(([secret, what]) => {
      const at = text.indexOf(secret);
      return at < 0 ? [] : [`${name}:${lineOf(at)}: ${what}`];
    });
    const made = MADE_KEY.exec(text);
    return made ? [...registered, `${name}:${lineOf(made.index)}: a key that Weir has made`] : registered;
  });
  return { sources: sources.length, secrets: secrets.size, found };
}
