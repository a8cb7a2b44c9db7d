/** Bodies of the admin API: read to a limit, checked by a compiled schema, and each mistake reported with its field. */

import { FormatRegistry, type Static, type TSchema } from "@sinclair/typebox";
import { type ValueError, ValueErrorType } from "@sinclair/typebox/errors";
import { expectation, kindOf, pathOf, unknownName } from "../config/expected.ts";
import { spell } from "../config/problems.ts";
import { toBytes } from "../contract/bytes.ts";
import { Checker } from "../contract/checker.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Body } from "../contract/http.ts";
import { readMoment } from "../contract/moment.ts";
import { clipped } from "../contract/text.ts";
import { WebAsked } from "../http/web-asked.ts";
import { readBody } from "../request/body/body.ts";
import { AdminRefusal } from "./refusal.ts";

/** Bytes; much more than any settings have. */
const LARGEST_BODY = 64 * 1024;
const SHOWN_CHARACTERS = 64;

/** TypeBox refuses every text of a format that was not registered. */
FormatRegistry.Set("date-time", (text) => readMoment(text) !== undefined);

/** A schema under its published name, with an example that fits it. */
export interface Checked<Schema extends TSchema = TSchema> {
  readonly name: string;
  readonly schema: Schema;
  readonly example: Static<Schema>;
  readonly check: Checker<Schema>;
}

export function checked<Schema extends TSchema>(name: string, schema: Schema, example: Static<Schema>): Checked<Schema> {
  return { name, schema, example, check: new Checker(schema) };
}

/** @throws AdminRefusal `invalid` or `too_large` */
export async function readChecked<Schema extends TSchema>(request: Request, { check }: Checked<Schema>): Promise<Static<Schema>> {
  const value = parse(await readBytes(request));
  if (check.fits(value)) return value;
  throw new AdminRefusal("invalid", tell(check.errors(value).First()));
}

async function readBytes(request: Request): Promise<Uint8Array> {
  try {
    const body = await new Promise<Body>((arrived, failed) =>
      readBody(new WebAsked(request, ""), LARGEST_BODY, () => {}, { arrived, failed }),
    );
    return typeof body === "string" ? toBytes(body) : body;
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    if (thrown.kind === "too_large") throw new AdminRefusal("too_large", `The body is larger than ${LARGEST_BODY / 1024} KiB.`);
    throw new AdminRefusal("invalid", thrown.message);
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    // An empty body has no settings.
    return bytes.byteLength === 0 ? {} : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new AdminRefusal("invalid", "The body is not JSON in UTF-8.");
  }
}

function tell(error: ValueError | undefined): string {
  if (error === undefined) return "The body is not valid.";
  const path = pathOf(error).map((key) => clipped(key, SHOWN_CHARACTERS));
  const { schema, type, value } = error;
  if (type === ValueErrorType.ObjectAdditionalProperties) return `${spell(path)}: ${unknownName(schema, path, "a field here")}`;
  const where = path.length === 0 ? "the body" : spell(path);
  return `${where}: expected ${expectation(schema)}, got ${found(value)}`;
}

function found(value: unknown): string {
  if (value === undefined) return "nothing";
  return value === null || typeof value === "boolean" || typeof value === "number" ? String(value) : kindOf(value);
}
