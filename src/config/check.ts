/** Checks a value against the schema: fills in defaults, reads texts from the environment as numbers where numbers belong, and reports every mistake. */
import type { TSchema } from "@sinclair/typebox";
import { Value, type ValueError, ValueErrorType } from "@sinclair/typebox/value";
import { constants, expectation, kindOf, pathOf, unknownName } from "./expected.ts";
import { didYouMean, HIDDEN, isSlip, type Path, type Problem } from "./problems.ts";
import { withoutSecrets } from "./shown.ts";

export interface Checked {
  value: unknown;
  problems: Problem[];
}

/** @param filled - paths (as JSON text) whose text came from the environment. */
export function checkValue(schema: TSchema, input: unknown, filled: ReadonlySet<string>): Checked {
  let value = structuredClone(input);
  // Each round mends what only looks wrong (`port: "${PORT}"` is text, an empty section is null). A mended place is no error in the next round.
  for (;;) {
    value = withDefaults(schema, value);
    const errors = flatten(schema, value, []);
    const mended = errors.filter(({ error, path }) => mend(value, path, error, filled)).length;
    if (mended === 0) return { value, problems: problemsOf(errors, filled) };
  }
}

/** The schema of the value at `key` inside `value`, or undefined. */
export function inner(schema: TSchema, value: unknown, key: string): TSchema | undefined {
  const here = variant(schema, value);
  if (here.type === "array") return here.items as TSchema;
  const properties = here.properties as Record<string, TSchema> | undefined;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  const patterns = here.patternProperties as Record<string, TSchema> | undefined;
  return Object.entries(patterns ?? {}).find(([pattern]) => new RegExp(pattern).test(key))?.[1];
}

/** The schema's defaults in every map that leaves them out. (TypeBox's own `Value.Default` does not reach into records and unions.) */
function withDefaults(schema: TSchema, value: unknown): unknown {
  if (value === undefined) return schema.default === undefined ? undefined : withDefaults(schema, structuredClone(schema.default));
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return schema.type === "array" ? value.map((item) => withDefaults(schema.items as TSchema, item)) : value;
  const completed: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const next = inner(schema, value, key);
    completed[key] = next === undefined ? item : withDefaults(next, item);
  }
  for (const [key, next] of Object.entries((variant(schema, value).properties as Record<string, TSchema> | undefined) ?? {})) {
    const item = completed[key] ?? withDefaults(next, undefined);
    if (!Object.hasOwn(completed, key) && item !== undefined) completed[key] = item;
  }
  return completed;
}

interface Found {
  error: ValueError;
  path: Path;
}

/** Of alternative schemas the one that `value` is meant for: for a list the schema of a list; for an upstream the schema of its provider. */
function variant(schema: TSchema, value: unknown): TSchema {
  const variants = schema.anyOf as TSchema[] | undefined;
  if (Array.isArray(value)) return variants?.find(({ type }) => type === "array") ?? schema;
  const provider = typeof value === "object" && value !== null ? (value as Record<string, unknown>).provider : undefined;
  return variants?.find((candidate) => candidate.properties?.provider?.const === provider && provider !== undefined) ?? schema;
}

function flatten(schema: TSchema, value: unknown, outer: Path): Found[] {
  return [...Value.Errors(schema, value)].flatMap((error) => {
    const path = [...outer, ...pathOf(error)];
    const meant = error.type === ValueErrorType.Union ? variant(error.schema, error.value) : error.schema;
    return meant === error.schema ? [{ error, path }] : flatten(meant, error.value, path);
  });
}

function mend(value: unknown, path: Path, { schema, value: found, type }: ValueError, filled: ReadonlySet<string>): boolean {
  // "models: {gpt-4o: }" and a section whose lines are all commented out.
  if (found === null && schema.type === "object" && type === ValueErrorType.Object) return put(value, path, {});
  if (typeof found !== "string" || !filled.has(JSON.stringify(path))) return false;
  const types = [schema, ...((schema.anyOf as TSchema[] | undefined) ?? [])].map((candidate) => candidate.type);
  if (types.includes("boolean") && (found === "true" || found === "false")) return put(value, path, found === "true");
  const isNumber = (types.includes("integer") || types.includes("number")) && /^-?[0-9]+(\.[0-9]+)?$/.test(found);
  return isNumber && put(value, path, Number(found));
}

function put(root: unknown, path: Path, value: unknown): boolean {
  const last = path.at(-1);
  const parent = path.slice(0, -1).reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], root);
  if (last === undefined || typeof parent !== "object" || parent === null) return false;
  (parent as Record<string, unknown>)[last] = value;
  return true;
}

function problemsOf(errors: readonly Found[], filled: ReadonlySet<string>): Problem[] {
  const problems = new Map<string, Problem>();
  for (const { error, path } of errors) {
    const id = JSON.stringify(path);
    // A missing field is reported twice: as missing, and as of the wrong type.
    if (!problems.has(id)) problems.set(id, { path, text: tell(error, path, filled) });
  }
  return [...problems.values()];
}

function tell({ type, schema, value }: ValueError, path: Path, filled: ReadonlySet<string>): string {
  if (type === ValueErrorType.ObjectAdditionalProperties) return unknownName(schema, path, "a setting");
  if (type === ValueErrorType.Union && schema.title === "an upstream")
    return tellProvider(schema, value, filled.has(JSON.stringify([...path, "provider"])));
  const isFilled = filled.has(JSON.stringify(path));
  const isQuoteMissing =
    (typeof value === "number" || typeof value === "boolean") && schema.type === "string" && Value.Check(schema, String(value));
  const cure = isQuoteMissing ? "; put it in quotes" : "";
  const choices = constants(schema);
  const hint = typeof value === "string" && choices.length > 1 && !isFilled ? didYouMean(value, choices) : "";
  return `expected ${expectation(schema)}, got ${describe(value, takesNumber(schema), isFilled)}${hint}${cure}`;
}

function tellProvider(schema: TSchema, value: unknown, isFilled: boolean): string {
  if (typeof value !== "object" || value === null) return `expected a map with a provider, got ${describe(value, false, false)}`;
  const names = (schema.anyOf as TSchema[]).map((candidate) => String(candidate.properties.provider.const));
  const provider = (value as Record<string, unknown>).provider;
  const expected = `expected provider: ${names.join(" or ")}`;
  if (provider === undefined) return `${expected}, got no provider`;
  const hint = typeof provider === "string" && !isFilled ? didYouMean(provider, names) : "";
  return `${expected}, got ${describe(provider, false, isFilled)}${hint}`;
}

function takesNumber(schema: TSchema): boolean {
  return [schema, ...((schema.anyOf as TSchema[] | undefined) ?? [])].some(({ type }) => type === "integer" || type === "number");
}

/** A larger number is seldom a port, a number of threads or a limit. It may be a secret made of digits. */
const LARGEST_SHOWN = 1_000_000;

/**
 * The kind of a value and not the value, because a secret may be in any place. Only a small number is shown, where a number is expected.
 * The path and the line say where to look.
 */
function describe(value: unknown, isNumberPlace: boolean, isFilled: boolean): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "number" || typeof value === "boolean") {
    if (isFilled) return `a ${typeof value} from the environment`;
    return typeof value === "number" && isNumberPlace && Math.abs(value) < LARGEST_SHOWN ? `the number ${value}` : `a ${typeof value}`;
  }
  const kind = kindOf(value);
  return isFilled && kind === "other text" ? `${kind} from the environment` : kind;
}

/** Every name that the schema has for a setting, at any depth. */
function settingNames(schema: TSchema): Set<string> {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties } = node as { properties?: object };
    if (typeof properties === "object" && !Array.isArray(node)) for (const name of Object.keys(properties)) names.add(name);
    for (const part of Object.values(node)) visit(part);
  };
  visit(schema);
  return names;
}

/**
 * The path with only those keys that may be shown: settings, misspelt settings, places in lists, and names that the schema lets operators choose.
 * Any other key is hidden: it may be a secret in a wrong place.
 */
export function repeatable(schema: TSchema, root: unknown, path: Path): Path {
  const known = settingNames(schema);
  let here: TSchema | undefined = schema;
  let node: unknown = root;
  return path.map((key) => {
    const next: TSchema | undefined = here === undefined ? undefined : inner(here, node, key);
    const isName = here?.patternProperties !== undefined && next !== undefined;
    const isPlace = Array.isArray(node) && /^[0-9]{1,6}$/.test(key);
    node = typeof node === "object" && node !== null ? (node as Record<string, unknown>)[key] : undefined;
    here = next;
    if (isName) return withoutSecrets(key);
    return isPlace || known.has(key) || isSlip(key, known) ? key : HIDDEN;
  });
}

/**
 * Finds secrets that no call can send: a secret is sent in a header, which is one line. A line break in it comes from a file of several lines, or from
 * an encoder that breaks its lines.
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
