/** Writes errors, and other texts of Weir itself, as JSON in byte text. */
import { type ByteText, encodeUtf8 } from "../contract/bytes.ts";
import { editMembers, members } from "../contract/json.ts";
import { isObject } from "../contract/objects.ts";

/** A value whose strings hold characters, as JSON in byte text. */
export function jsonText(value: unknown): ByteText {
  return encodeUtf8(JSON.stringify(value));
}

/**
 * An error object: the upstream's own, with missing fields filled in, or only our fields where the upstream sent no object. It is on one line, so that it can be
 * the data of an event: JSON may hold line breaks outside of its strings, and each would end the event's data.
 */
export function errorObject(fields: Readonly<Record<string, string | null>>, upstream: ByteText | undefined): ByteText {
  if (upstream === undefined || !holdsObject(upstream)) return jsonText(fields);
  const present = new Set(members(upstream).map(({ key }) => key));
  const missing = Object.entries(fields).filter(([name]) => !present.has(name));
  const set = Object.fromEntries(missing.map(([name, value]) => [name, jsonText(value)]));
  return editMembers(upstream.trim(), { set }).replaceAll(/[\r\n]+/g, " ");
}

function holdsObject(text: ByteText): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
