/** Removes credentials from an upstream's texts: some services, and proxies in front of them, repeat what was sent to them. */
import { Buffer } from "node:buffer";
import type { ByteText } from "../../src/contract/bytes.ts";
import type { FailureDetail } from "../../src/contract/errors.ts";

/** Shorter secrets are not removed: ordinary words may contain them. */
const SHORTEST = 8;
const HIDDEN = "***";
/** Form of request ids at every cloud. */
const ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Credentials that were fetched: the newest ones, and older ones that calls may still be using. */
export class FetchedSecrets {
  secrets: readonly string[] = [];
  #newest: readonly string[] = [];

  /** Sets the credentials of calls from now on. */
  replace(secrets: readonly (string | undefined)[]): void {
    const before = this.#newest;
    this.#newest = secrets.filter((secret) => secret !== undefined);
    this.secrets = [...this.#newest, ...before];
  }
}

/** The upstream's id of a call for the log: "" for a text that does not look like an id, or holds a secret. */
export function shownId(id: string, secrets: readonly string[]): string {
  // Runs for every call, so the secrets' other forms are not checked: most are longer than an id, or have other characters.
  return ID.test(id) && !secrets.some((secret) => secret.length >= SHORTEST && id.includes(secret)) ? id : "";
}

/** An upstream's texts without the secrets. They have been decoded, so JSON's escapes do not matter. */
export function withoutSecrets(secrets: readonly string[], detail: FailureDetail): FailureDetail {
  const forms = formsOf(secrets);
  if (forms.length === 0) return detail;
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(detail)) {
    if (typeof value !== "string") shown[name] = value;
    else shown[name] = name === "body" ? hiddenInJson(forms, value) : hidden(forms, value);
  }
  return shown as unknown as FailureDetail;
}

/** The secrets as they are, in JSON, in an address and in base64 (at each of its three offsets); longest first. */
function formsOf(secrets: readonly string[]): string[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    forms.add(secret).add(JSON.stringify(secret).slice(1, -1)).add(encodeURIComponent(secret));
    for (const before of [0, 1, 2]) {
      const bits = (before + secret.length) * 8;
      const encoded = Buffer.from(" ".repeat(before) + secret).toString("base64");
      // Only the characters that encode nothing but the secret.
      forms.add(encoded.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6)));
    }
  }
  return [...forms].sort((a, b) => b.length - a.length);
}

function hidden(forms: readonly string[], text: string): string {
  let shown = text;
  for (const form of forms) shown = shown.replaceAll(form, HIDDEN);
  return hiddenWhereCut(forms, shown);
}

/** Long texts are cut, at their end or before a "…": a part of a secret may be left there. */
function hiddenWhereCut(forms: readonly string[], text: string): string {
  const cut = text.indexOf("…");
  const end = cut < 0 ? text.length : cut;
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, end); length >= SHORTEST; length--)
      if (text.endsWith(form.slice(0, length), end)) return text.slice(0, end - length) + HIDDEN + text.slice(end);
  }
  return text;
}

/** An object in the upstream's own text; written anew where a secret had to be removed. */
function hiddenInJson(forms: readonly string[], json: ByteText): ByteText {
  try {
    let isChanged = false;
    const value: unknown = JSON.parse(json, (_name, part: unknown) => {
      if (typeof part !== "string") return part;
      const shown = hidden(forms, part);
      isChanged ||= shown !== part;
      return shown;
    });
    return isChanged || hidden(forms, json) !== json ? hidden(forms, JSON.stringify(value)) : json;
  } catch {
    return hidden(forms, json);
  }
}
