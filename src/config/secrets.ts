import type { TSchema } from "@sinclair/typebox";
import { inner } from "./check.ts";
import type { Path, Problem } from "./problems.ts";

/**
 * Secrets that no call could carry: they travel in a header, in one line. A line break inside comes from a file of several lines, or from an
 * encoder that breaks its lines.
 */
export function checkSecrets(schema: TSchema, root: unknown): Problem[] {
  const problems: Problem[] = [];
  const visit = (here: TSchema, node: unknown, path: Path): void => {
    if (here.writeOnly === true && typeof node === "string" && /\p{Cc}/u.test(node)) {
      const what = /[\r\n]/.test(node) ? "a line break" : "a control character";
      problems.push({ path, text: `expected a secret of one line, got one with ${what} in it` });
    }
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      const next = inner(here, node, key);
      if (next !== undefined) visit(next, value, [...path, key]);
    }
  };
  visit(schema, root, []);
  return problems;
}
