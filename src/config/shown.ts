/** Which parts of a configuration messages may show. */

/** How keys and credentials begin: Weir's own, those of vendors, and JSON Web Tokens. */
const BEGINNING = /(?:weir_|sk-|eyJ|AKIA|ASIA|ABSK|Bearer )[^\s"',]*/g;
/** No name has so many letters and digits in a row. */
const RUN = /[A-Za-z0-9+]{20,}/g;
const PASSWORD = /\/\/[^/@\s]*@/g;

/** `text` without what looks like a secret: for names that an operator chooses freely, and where a secret may have been written by mistake. */
export function withoutSecrets(text: string): string {
  return text
    .replace(PASSWORD, "//…@")
    .replace(BEGINNING, "…")
    .replace(RUN, (run) => (/[0-9]/.test(run) && /[A-Za-z]/.test(run) ? "…" : run));
}

/** A name in quotes, for a message. Only for names that operators choose for logs and metrics. */
export function shown(name: string): string {
  return `"${withoutSecrets(name.slice(0, 64))}"`;
}

/** Those of `names` that have the form of a name and do not look like a secret: a secret may be written where a name belongs. */
export function namesAmong(names: readonly string[]): string[] {
  return names.filter((name) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && withoutSecrets(name) === name);
}

/** Scheme, host and port of an address, without user, password, path and query. */
export function hostOf(address: string): string {
  return URL.canParse(address) ? `${new URL(address).protocol}//${new URL(address).host}` : "an address";
}
