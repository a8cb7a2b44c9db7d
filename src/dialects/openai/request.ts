/** How every request of the OpenAI protocol is read: JSON; no member twice that is read or edited; then its schema. */

import type { ByteText } from "../../contract/bytes.ts";
import type { Checker } from "../../contract/checker.ts";
import { parseObject, refusal, refuseDuplicates } from "../body.ts";
import { bracketed, firstProblem } from "../problem.ts";

/**
 * @param single names that must not be there twice: those that are read or edited
 * @throws GatewayError `invalid_request` that names the field.
 */
export function readRequest<Request>(body: ByteText, checker: Checker, single: ReadonlySet<string>): Request {
  const value = parseObject(body);
  refuseDuplicates(body, single);
  if (!checker.fits(value)) {
    const { path, text } = firstProblem(checker, value);
    throw refusal("invalid_request", bracketed(path) || "body", text);
  }
  return value as Request;
}
