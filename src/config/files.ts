import type { TSchema } from "@sinclair/typebox";
import { NotReadable } from "../contract/text-file.ts";
import { inner } from "./check.ts";
import { disk } from "./disk.ts";
import type { Path, Problem } from "./problems.ts";

/** Reads a text file. @throws Error as `node:fs` does */
export type ReadText = (path: string) => string;

/**
 * Replaces every `x_file` whose `x` is a secret of the schema by the content of that file, in place.
 * @param filled - receives the paths that were filled, so that their values are never shown
 */
export function readSecretFiles(schema: TSchema, root: unknown, readText: ReadText, filled: Set<string>): Problem[] {
  const problems: Problem[] = [];
  const visit = (here: TSchema, node: unknown, path: Path): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      const next = inner(here, node, key);
      const name = key.replace(/_file$/, "");
      if (name !== key && typeof value === "string" && inner(here, node, name)?.writeOnly === true) {
        takeFile(node as Record<string, unknown>, name, value, path);
      } else if (next !== undefined) visit(next, value, [...path, key]);
    }
  };
  const takeFile = (node: Record<string, unknown>, name: string, file: string, path: Path): void => {
    const at = [...path, `${name}_file`];
    delete node[`${name}_file`];
    if (node[name] !== undefined) {
      problems.push({ path: at, text: `expected ${name} or ${name}_file, got both` });
      return;
    }
    try {
      const content = withoutLineEnd(readText(file));
      if (content === "") problems.push({ path: at, text: "expected a secret in this file, which is empty" });
      else {
        node[name] = content;
        filled.add(JSON.stringify([...path, name]));
      }
    } catch (error) {
      problems.push({ path: at, text: `expected a readable file, got one which ${whyUnreadable(error)}` });
    }
  };
  visit(schema, root, []);
  return problems;
}

/** The secret that a file holds. @throws Error that says what is wrong with the file */
export function readSecret(path: string): string {
  let content: string;
  try {
    content = withoutLineEnd(disk.text(path));
  } catch (error) {
    throw new Error(`expected a readable file, got ${path}, which ${whyUnreadable(error)}`);
  }
  if (content === "") throw new Error(`expected a secret in ${path}, which is empty`);
  return content;
}

/** Editors and `echo` end a file with a line end that is no part of the secret. */
function withoutLineEnd(content: string): string {
  return content.replace(/[\r\n]+$/, "");
}

/** The words that follow "a file which". */
export function whyUnreadable(error: unknown): string {
  if (error instanceof NotReadable) return error.message;
  const code = (error as { code?: unknown }).code;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "does not exist";
    case "EACCES":
    case "EPERM":
      return "may not be read by this user";
    case "EISDIR":
      return "is a directory";
    default:
      return `cannot be read (${typeof code === "string" ? code : "unknown reason"})`;
  }
}
