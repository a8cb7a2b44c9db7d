/**
 * What every gateway of a test run has printed and stored, in one folder, beside a list of what must not be in there: keys, credentials, tokens,
 * prompts. `scripts/test.mjs` makes the folder, names it in `WEIR_TEST_OUTPUT` and looks through it when all tests have run; without that name
 * nothing is collected.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REGISTER } from "../../scripts/secrets.mjs";

/** Shorter secrets are made-up values of tests that look at something else. */
const SHORTEST = 8;
const SECRET_FIELD = /^(?:access_key_id|secret_access_key|session_token|bearer_token|api_key|client_secret|password|token)$/;

const registered = new Set<string>();
let lastSource = 0;

function folder(): string | undefined {
  const named = process.env.WEIR_TEST_OUTPUT;
  return named !== undefined && existsSync(named) ? named : undefined;
}

export function isCollecting(): boolean {
  return folder() !== undefined;
}

/** From now on `secret` must be nowhere in what gateways print and store. Where it is found, the report names it by `what`. */
export function register(what: string, secret: string): void {
  const place = folder();
  const entry = `${JSON.stringify({ what, secret })}\n`;
  if (place === undefined || secret.length < SHORTEST || registered.has(place + entry)) return;
  registered.add(place + entry);
  appendFileSync(join(place, REGISTER), entry);
}

/** Registers what a configuration holds in fields whose names say that they are secret. */
export function registerSecretsOf(config: unknown): void {
  if (typeof config !== "object" || config === null) return;
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === "string" && SECRET_FIELD.test(name) && !value.startsWith("${")) register(`${name} of a configuration`, value);
    else registerSecretsOf(value);
  }
}

/** Makes a new file in the folder. @returns a function that appends to it */
export function source(name: string): (text: string) => void {
  const place = folder();
  if (place === undefined) return () => {};
  lastSource += 1;
  const file = join(place, `${process.pid}-${lastSource}-${name}`);
  return (text) => appendFileSync(file, text);
}

/** Copies what a gateway has stored in its folder. */
export function collectStore(from: string): void {
  for (const name of readdirSync(from).filter((each) => /(?:weir|sandbox)-keys/.test(each)))
    source(name)(readFileSync(join(from, name), "utf8"));
}
