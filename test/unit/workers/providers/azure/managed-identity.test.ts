/** Azure with tokens of a managed identity: a process on each kind of machine, on both runtimes, against stand-ins for the machine's service. */
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { eventualAnswer } from "../../../../support/waits.ts";
import { IDENTITY_HEADER, type Machine, refused, startMachine, USER_ASSIGNED } from "./identity-machine.ts";

const ROOT = join(import.meta.dir, "../../../../..");
const ASK = "test/unit/workers/providers/azure/identity-ask.ts";
const RUNTIMES = { bun: [join(ROOT, "node_modules/.bin/bun"), ASK], deno: [join(ROOT, "node_modules/.bin/deno"), "run", "-A", ASK] };

interface Said {
  authorization?: string;
  isAtOnce?: boolean;
  fetched?: string[];
  kind?: string;
  log?: string;
  message?: string;
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

function machine(kind: "metadata" | "app-service", lifeSeconds?: number): Machine {
  const started = startMachine(kind, lifeSeconds);
  open.push(started);
  return started;
}

function metadataOf({ url }: Machine): Record<string, string> {
  return { AZURE_POD_IDENTITY_AUTHORITY_HOST: url };
}

/** A process that makes one call after the other. */
function start(runtime: keyof typeof RUNTIMES, environment: Record<string, string>, clientId = "") {
  // A machine behind a proxy: its own service is not asked through it.
  const proxy = { HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9" };
  const { PATH = "", HOME = "" } = process.env;
  const child = Bun.spawn([...RUNTIMES[runtime], clientId], {
    cwd: ROOT,
    env: { PATH, HOME, ...proxy, ...environment },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  open.push({
    close: () => {
      child.kill();
      return child.exited;
    },
  });
  const lines = linesOf(child.stdout);
  return async (word: "call" | "suspect" = "call"): Promise<Said> => {
    child.stdin.write(`${word}\n`);
    await child.stdin.flush();
    const { value } = await lines.next();
    return JSON.parse(value ?? "{}") as Said;
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)) {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

for (const runtime of ["bun", "deno"] as const) {
  describe(`on ${runtime}`, () => {
    test("a virtual machine's own identity gets one token, which is kept and hidden; a token that is refused is fetched again", async () => {
      const vm = machine("metadata");
      const ask = start(runtime, metadataOf(vm));
      const first = await ask();
      expect(first).toEqual({ authorization: `Bearer ${vm.tokens[0]}`, isAtOnce: false, fetched: [vm.tokens[0] ?? "?"] });
      expect(await ask()).toMatchObject({ authorization: first.authorization, isAtOnce: true });
      expect(vm.asked).toHaveLength(1);
      // The upstream says 401: the token is still used while the next one is fetched, and the library's cache does not answer.
      expect(await ask("suspect")).toMatchObject({ authorization: first.authorization });
      const next = await eventualAnswer(ask, ({ authorization }) => authorization !== first.authorization);
      expect(next.authorization).toBe(`Bearer ${vm.tokens[1]}`);
      expect(next.fetched).toEqual([vm.tokens[1] ?? "?", vm.tokens[0] ?? "?"]);
    });

    test("a user-assigned identity is named by its client id, and App Service is asked by its own protocol", async () => {
      const service = machine("app-service");
      const environment = { IDENTITY_ENDPOINT: `${service.url}/msi/token`, IDENTITY_HEADER };
      const said = await start(runtime, environment, USER_ASSIGNED)();
      expect(said.authorization).toBe(`Bearer ${service.tokens[0]}`);
      expect(service.asked[0]?.searchParams.get("client_id")).toBe(USER_ASSIGNED);
      expect(service.asked[0]?.searchParams.get("resource")).toBe("https://ai.azure.com");
    });
  });
}

test("an identity that the machine does not have is a mistake of the operator, and the log names the cure", async () => {
  const vm = machine("metadata");
  const said = await start("bun", metadataOf(vm), "stranger")();
  expect(said.kind).toBe("misconfigured");
  expect(said.log).toMatch(
    /^upstream "azure-eu": no token for the managed identity stranger: .*Identity not found.*; assign that identity to this machine/,
  );
  expect(said.message).not.toContain("stranger");
});

test("on a machine without such a service the log says so", async () => {
  const said = await start("bun", { AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://127.0.0.1:9" })();
  expect(said.kind).toBe("misconfigured");
  expect(said.log).toContain("no token for the system-assigned managed identity: 127.0.0.1:9: ");
  expect(said.log).toContain("switch the system-assigned identity on for this machine");
});

test("a busy service is asked again", async () => {
  const vm = machine("metadata");
  vm.instead.push(() => refused("too_many_requests", "Too many requests", 429));
  expect((await start("bun", metadataOf(vm))()).authorization).toBe(`Bearer ${vm.tokens[0]}`);
  expect(vm.asked).toHaveLength(2);
});

describe("an answer without a token", () => {
  const secret = IDENTITY_HEADER;
  test.each([
    ["a page of HTML", () => new Response("<html>hush-hush</html>"), "no JSON object"],
    ["no token", () => Response.json({ expires_on: "1" }), "no token for"],
    ["a token that has ended", () => Response.json({ access_token: "hush-hush", expires_on: "1", token_type: "Bearer" }), "no token for"],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/"), "no token for"],
    ["more than a few KiB", () => new Response("x".repeat(100_000)), "more than 64 KiB"],
    ["the machine's own secret", () => refused("unauthorized", `bad header ${secret}`), "bad header \\*\\*\\*"],
  ])("%s", async (_name, answer, words) => {
    const service = machine("app-service");
    for (let times = 0; times < 5; times++) service.instead.push(answer);
    const said = await start("bun", { IDENTITY_ENDPOINT: `${service.url}/msi/token`, IDENTITY_HEADER })();
    expect(said.kind).toBe("misconfigured");
    expect(said.log).toMatch(new RegExp(words));
    for (const word of ["hush-hush", secret]) expect(JSON.stringify(said)).not.toContain(word);
  });
});
