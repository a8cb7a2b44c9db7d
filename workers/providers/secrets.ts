/** Credentials of an upstream that must not come back out of it: some services, and what stands before them, repeat what they were sent. */
import { Buffer } from "node:buffer";
import type { ByteText } from "../../src/contract/bytes.ts";
import type { FailureDetail } from "../../src/contract/errors.ts";

/** Shorter ones would hide words that have nothing to do with them. */
const SHORTEST = 8;
const HIDDEN = "***";
/** How the ids of requests look at every cloud. */
const ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Credentials that were fetched: the newest and those before, with which calls may still be on their way. */
export class Fetched {
  secrets: readonly string[] = [];
  #newest: readonly string[] = [];

  /** Takes over what calls are sent with from here on. */
  replace(secrets: readonly (string | undefined)[]): void {
    const before = this.#newest;
    this.#newest = secrets.filter((secret) => secret !== undefined);
    this.secrets = [...this.#newest, ...before];
  }
}

/** The upstream's id of a call, which the log repeats: "" for anything that does not look like one, or holds a secret. */
export function shownId(id: string, secrets: readonly string[]): string {
  // Of every call, so without their other forms, most of which are longer or have other characters.
  return ID.test(id) && !secrets.some((secret) => secret.length >= SHORTEST && id.includes(secret)) ? id : "";
}

/** What an upstream said, without the secrets. Its texts have been decoded, so it matters not how JSON wrote them. */
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

/** The secrets, and how they stand in JSON, in an address and in base64 (wherever they begin in its groups); longest first. */
function formsOf(secrets: readonly string[]): string[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    forms.add(secret).add(JSON.stringify(secret).slice(1, -1)).add(encodeURIComponent(secret));
    for (const before of [0, 1, 2]) {
      const bits = (before + secret.length) * 8;
      const encoded = Buffer.from(" ".repeat(before) + secret).toString("base64");
      // Only the characters that hold nothing but the secret.
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

/** Long texts are cut, at their end or before a "…": a secret may have been cut with them. */
function hiddenWhereCut(forms: readonly string[], text: string): string {
  const cut = text.indexOf("…");
  const end = cut < 0 ? text.length : cut;
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, end); length >= SHORTEST; length--)
      if (text.endsWith(form.slice(0, length), end)) return text.slice(0, end - length) + HIDDEN + text.slice(end);
  }
  return text;
}

/** An object as the upstream wrote it; written anew where something in it had to be hidden. */
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
