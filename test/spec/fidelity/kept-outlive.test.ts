/** Ids of kept answers: good at every gateway that shares a secret, after a restart, a reload and a new name; and unknown once their resource or secret is gone. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { eventually } from "../../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";

const KEY = "weir_outlive_acme_Tz5rQn8vLk2wXb";
const SECRETS = ["kept-answers-secret-one-4f1b", "kept-answers-secret-two-9c07"];
const TIMEOUT_MS = 60_000;

let sandbox: Sandbox;
const started: Weir[] = [];

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(async () => {
  for (const weir of started) weir.child.kill("SIGKILL");
  await sandbox.close();
});

interface Set {
  upstream?: string;
  model?: string;
  secret?: string;
  before?: string;
  store?: boolean;
}

function configuration({ upstream = "azure", model = "gpt", secret = SECRETS[0], before, store = true }: Set = {}) {
  return {
    workers: 1,
    limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
    upstreams: {
      [upstream]: {
        provider: "azure",
        region: "eu",
        endpoint: sandbox.azure.url,
        credentials: { api_key: sandbox.credentials.apiKeys[0] },
        ...(store ? { allow_store: true, store_secret: secret, ...(before === undefined ? {} : { store_secret_before: before }) } : {}),
      },
    },
    models: { [model]: { targets: [{ upstream, model: "gpt-4o" }] } },
    workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
  };
}

async function start(runtime: RuntimeName, set: Set = {}): Promise<Weir> {
  const weir = await startWeir({ runtime, config: configuration(set) });
  started.push(weir);
  return weir;
}

async function ask(weir: Weir, below: string, body?: object): Promise<{ status: number; json: Record<string, unknown> }> {
  const answer = await fetch(`${weir.url}/openai/eu/v1/responses${below}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

const make = async (weir: Weir) => String((await ask(weir, "", { model: "gpt", input: "Hello" })).json.id);

test(
  "an id is good at another gateway of another runtime, and after a restart of both",
  async () => {
    const [first, second] = await Promise.all([start("bun"), start("deno")]);
    const id = await make(first);
    expect((await ask(second, `/${id}`)).json.id).toBe(id);
    expect((await ask(second, "", { model: "gpt", input: "Go on", previous_response_id: id })).json.previous_response_id).toBe(id);
    const other = await make(second);
    await Promise.all([first, second].map((weir) => weir.stop()));
    const again = await start("bun");
    for (const one of [id, other]) expect((await ask(again, `/${one}`)).json.id).toBe(one);
  },
  TIMEOUT_MS,
);

test(
  "it outlives reloads: new names of upstream and model, and a new secret as long as the configuration has the one before too; then it is unknown",
  async () => {
    const weir = await start("bun");
    const id = await make(weir);
    const reload = async (set: Set, holds: () => Promise<boolean>, what: string) => {
      weir.rewrite(configuration(set));
      weir.child.kill("SIGHUP");
      await eventually(holds, what);
    };
    const has = (model: string) => async () => (await ask(weir, "", { model, input: "Hello" })).status === 200;
    await reload({ upstream: "renamed", model: "second" }, has("second"), "the names are new");
    expect((await ask(weir, `/${id}`)).json.id).toBe(id);

    const [before, secret] = SECRETS as [string, string];
    const sealsAnew = async () => {
      const made = String((await ask(weir, "", { model: "gpt", input: "Hello" })).json.id);
      return (await ask(weir, `/${made}`)).status === 200 && made.slice(-24) !== id.slice(-24);
    };
    await reload({ secret, before }, async () => (await has("gpt")()) && (await sealsAnew()), "the secret is new");
    // As its client knows it, and as it is sealed from now on.
    expect((await ask(weir, `/${id}`)).json.id).toBe(id);
    const continued = await ask(weir, "", { model: "gpt", input: "Go on", previous_response_id: id });
    expect(continued.json.previous_response_id).toBe(id);

    await reload({ secret }, async () => (await ask(weir, `/${id}`)).status === 404, "the secret before is gone");
    const newer = await make(weir);
    await reload({ store: false }, async () => (await ask(weir, `/${newer}`)).status === 404, "nothing is kept any more");
    expect((await ask(weir, "", { model: "gpt", input: "Go on", previous_response_id: newer })).status).toBe(400);
  },
  TIMEOUT_MS,
);
