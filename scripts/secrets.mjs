/** After the tests: searches everything that the gateways printed or stored for secrets. `test/support/collected.ts` gathers it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One JSON line for each secret: what it is, and its text. */
export const REGISTER = "registered.jsonl";

/** A key as Weir makes keys: 32 random bytes. The demo's key is printed on purpose. */
const MADE_KEY = /weir_(?!demo)(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{43}(?![\w-])/;

/**
 * @param {string} folder
 * @returns {{ sources: number, secrets: number, found: string[] }} `found`: file, line and kind of each secret, never its text
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
