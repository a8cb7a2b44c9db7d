/** Common parts of the settings and tables of several providers. */
import { type TOptional, type TString, Type } from "@sinclair/typebox";

/** Two fields: a secret, and the file that may hold it instead. `writeOnly` is JSON Schema's mark of a secret: such a value is never printed. */
export function secret<Name extends string>(name: Name, description: string): Record<Name | `${Name}_file`, TOptional<TString>> {
  const properties = {
    [name]: Type.Optional(Type.String({ description, writeOnly: true })),
    [`${name}_file`]: Type.Optional(
      Type.String({
        title: "the path of a file",
        minLength: 1,
        description: `File that holds \`${name}\`, instead of writing it here. Line ends after it are dropped.`,
      }),
    ),
  };
  return properties as Record<Name | `${Name}_file`, TOptional<TString>>;
}

/** The value of a field, or undefined where it is absent or empty (`"${VAR:-}"` can leave it empty). */
export function text(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The object in a field; empty where there is none. */
export function map(fields: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = fields[name];
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * An address that prompts and credentials may be sent to: HTTPS, or plain HTTP that does not leave the machine.
 * @throws Error that says what is wrong with the address
 */
export function secureAddress(field: string, address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new Error(`${field}: expected an https:// address`);
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Error(`${field}: expected https://, got http:// to another machine; prompts and credentials would travel in clear`);
  }
  if (url.username !== "" || url.password !== "")
    throw new Error(`${field}: expected an address without a user or password in it; put them under credentials`);
  if (url.search !== "" || url.hash !== "") throw new Error(`${field}: expected an address without "?" or "#"`);
  return url;
}

/** The text of an address without slashes at its end. */
export function addressText(url: URL): string {
  return url.href.replace(/(?<!\/)\/+$/, "");
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** A secret as `weir check` prints it: enough to tell two secrets apart, too little to use. */
export function masked(value: string): string {
  return value.length >= 16 ? `…${value.slice(-4)}` : "…";
}

/** Names with those that `edits` add and without those that they remove; the last of `edits` decides. */
export function edited(names: Iterable<string>, edits: readonly { add: readonly string[]; remove: readonly string[] }[]): string[] {
  const all = new Set(names);
  for (const { add, remove } of edits) {
    for (const name of add) all.add(name);
    for (const name of remove) all.delete(name);
  }
  return [...all];
}
