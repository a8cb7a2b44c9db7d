/** Questions about responses that an upstream keeps: an id of the path, and a query. Source: the types of openai 7.57. */
import type { ByteText } from "../../contract/bytes.ts";
import type { Checked } from "../../contract/dialect.ts";
import { refusal } from "../body.ts";

const YES = /^(?:true|1)$/i;
const NOTHING_MORE = {};

/** @param question - `resp_1?stream=true&starting_after=42` */
export function checkKept(question: ByteText): Checked {
  const at = question.indexOf("?");
  const query = new URLSearchParams(at < 0 ? "" : question.slice(at));
  const after = query.get("starting_after");
  if (after !== null && !/^\d{1,15}$/.test(after)) throw refusal("invalid_request", "starting_after", "expected the number of an event");
  const limit = query.get("limit");
  if (limit !== null && !/^(?:[1-9]\d?|100)$/.test(limit)) throw refusal("invalid_request", "limit", "expected a number from 1 to 100");
  return { model: "", stream: YES.test(query.get("stream") ?? ""), maxTokens: 0, request: NOTHING_MORE };
}

/** The same, of what is answered in one piece whatever the query says. */
export function checkKeptWhole(question: ByteText): Checked {
  return { ...checkKept(question), stream: false };
}
