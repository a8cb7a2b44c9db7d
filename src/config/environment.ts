import type { Path, Problem } from "./problems.ts";
import { withoutSecrets } from "./shown.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value with its `${…}` filled in. */
export interface Filled {
  value: unknown;
  problems: Problem[];
  /** Paths (as JSON text) whose text came from the environment: the text may be a number, and it is never shown. */
  filled: ReadonlySet<string>;
}

// `$${` means the two characters `${`.
const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/** Fills `${VAR}` and `${VAR:-default}` inside every string. What was filled in is not searched again. The default also replaces an empty variable. */
export function fillEnvironment(value: unknown, environment: Environment): Filled {
  const problems: Problem[] = [];
  const filled = new Set<string>();
  const visit = (node: unknown, path: Path): unknown => {
    if (typeof node === "string") return fillText(node, path);
    if (Array.isArray(node)) return node.map((item, index) => visit(item, [...path, String(index)]));
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, visit(item, [...path, key])]));
  };
  const fillText = (text: string, path: Path): string =>
    text.replace(REFERENCE, (reference, name?: string, fallback?: string) => {
      if (reference === "$${") return "${";
      if (name === undefined) {
        problems.push({
          path,
          text: `expected \${NAME} or \${NAME:-default}, got "\${" with something else after it; write $\${ for these two characters`,
        });
        return reference;
      }
      filled.add(JSON.stringify(path));
      const found = environment[name];
      if (found === undefined && fallback === undefined) {
        problems.push({
          path,
          text: `expected the environment variable ${variable(name)}, which is not set; set it, or write \${${variable(name)}:-} for an empty text`,
        });
        return reference;
      }
      return fallback !== undefined && (found === undefined || found === "") ? fallback : (found ?? "");
    });
  return { value: visit(value, []), problems, filled };
}

/** The name of a variable, without what looks like a secret that was written in its place. */
function variable(name: string): string {
  return withoutSecrets(name.slice(0, 64));
}
