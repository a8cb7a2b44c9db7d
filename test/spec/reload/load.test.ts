/** A configuration that changes under load, in every way in which files change. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { pause, promptly } from "../../support/waits.ts";
import { type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";
import { ask, becomes, configuration as configurationOf, KEY, reloads, SECOND_KEY, type Variant } from "./world.ts";

const CALLERS = 20;
const THINKING_MS = 10;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const configuration = (variant?: Variant) => configurationOf(sandbox, { keys: [KEY, SECOND_KEY], ...variant });

async function readiness(weir: Weir): Promise<{ status: number; configuration: string }> {
  const answer = await fetch(`${weir.adminUrl}/readyz`);
  const { configuration } = (await answer.json()) as { configuration: string };
  return { status: answer.status, configuration };
}

/** Callers that ask again and again, every fourth of them with streams that take a while. */
function startLoad(weir: Weir): () => Promise<void> {
  const failures: string[] = [];
  const done = { whole: 0, streams: 0 };
  let isGoing = true;
  const callers = Array.from({ length: CALLERS }, async (_, index) => {
    const stream = index % 4 === 0;
    const question = stream ? { stream, prompt: "[sandbox: tokens=10 pace=10]" } : {};
    while (isGoing) {
      const { status, text } = await ask(weir, question).catch((thrown: unknown) => ({ status: 0, text: String(thrown) }));
      const isWhole = stream ? text.includes("event: message_stop") : text.includes("end_turn");
      if (status !== 200 || !isWhole) failures.push(`${status} ${text.slice(-200)}`);
      done[stream ? "streams" : "whole"] += 1;
      // Without it, these callers alone would take the whole machine, and the gateway could not keep its second.
      await pause(THINKING_MS);
    }
  });
  return async () => {
    isGoing = false;
    await Promise.all(callers);
    expect(failures).toEqual([]);
    expect(done.whole).toBeGreaterThan(CALLERS);
    expect(done.streams).toBeGreaterThan(0);
  };
}

for (const runtime of ["bun", "deno"] satisfies RuntimeName[])
  describe(`on ${runtime}, under the load of 20 callers, some of them with streams`, () => specify(runtime));

function specify(runtime: RuntimeName): void {
  let weir: Weir;
  let file = "";
  let endLoad: () => Promise<void>;
  beforeEach(async () => {
    weir = await startWeir({ runtime, config: configuration() });
    file = join(weir.folder, "weir.yaml");
    endLoad = startLoad(weir);
  }, 20_000);
  afterEach(async () => {
    await Promise.allSettled([endLoad()]);
    await weir.collect();
    await weir.stop();
  });
  /** Writes it into another file, which the test then puts in place. */
  const written = (name: string, variant: Variant) => {
    const before = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(join(weir.folder, name), JSON.stringify({ ...before, ...configuration(variant) }));
    return join(weir.folder, name);
  };

  test("a new model, a lowered limit and a revoked key are in force within a second, and no call fails", async () => {
    expect((await ask(weir, { model: "new" })).status).toBe(404);
    weir.rewrite(configuration({ models: ["new"] }));
    await becomes(weir, 200, { model: "new" });
    expect((await ask(weir, { model: "limited" })).status).toBe(200);
    weir.rewrite(configuration({ models: ["new"], rpm: 1 }));
    await becomes(weir, 429, { model: "limited" });
    expect((await ask(weir, { key: SECOND_KEY })).status).toBe(200);
    weir.rewrite(configuration({ models: ["new"], rpm: 1, keys: [KEY] }));
    await becomes(weir, 401, { key: SECOND_KEY });
    await endLoad();
    expect([await reloads(weir, "applied"), await reloads(weir, "refused")]).toEqual([3, 0]);
  }, 15_000);

  // How files are looked at and what workers keep is the same code on both.
  if (runtime !== "bun") return;

  test("streams of a model and of a key that are gone come to their end", async () => {
    weir.rewrite(configuration({ models: ["leaving"] }));
    await becomes(weir, 200, { model: "leaving" });
    let ended = 0;
    const open = async (key: string) => {
      const question = {
        model: "leaving",
        max_tokens: 500,
        stream: true,
        messages: [{ role: "user", content: "[sandbox: tokens=40 pace=40]" }],
      };
      const headers = { "x-api-key": key };
      const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers, body: JSON.stringify(question) });
      expect(answer.status).toBe(200);
      const text = answer.text();
      void text.then(() => {
        ended += 1;
      });
      return { text };
    };
    const streams = await Promise.all([KEY, SECOND_KEY].map(open));
    weir.rewrite(configuration({ keys: [KEY], silence: "61s" }));
    await becomes(weir, 404, { model: "leaving" });
    expect((await ask(weir, { key: SECOND_KEY })).status).toBe(401);
    expect(ended).toBe(0);
    for (const { text } of streams) expect(await text).toContain("event: message_stop");
    await endLoad();
  }, 15_000);

  test("a bad file is refused, as the log, the metrics and /readyz say; the one before stays until there is a good one", async () => {
    writeFileSync(file, '{ "limits": { "rpm": "many" ');
    await promptly(async () => (await reloads(weir, "refused")) === 1, "it is refused");
    expect(await readiness(weir)).toEqual({ status: 200, configuration: expect.stringMatching(/refused.*one before is in force/) });
    const line = await weir.logged(({ message }) => String(message).includes("is refused"));
    expect(line).toMatchObject({ level: "error", problems: expect.any(Array) });
    expect((await ask(weir, { key: SECOND_KEY })).status).toBe(200);
    weir.rewrite(configuration({ models: ["new"] }));
    await becomes(weir, 200, { model: "new" });
    expect(await readiness(weir)).toEqual({ status: 200, configuration: "ok" });
    await endLoad();
  }, 15_000);

  test("a file that is put in place by renaming counts, one that is deleted changes nothing, and one that comes back counts again", async () => {
    renameSync(written("next.yaml", { models: ["renamed"] }), file);
    await becomes(weir, 200, { model: "renamed" });
    const kept = written("kept.yaml", { models: ["back"] });
    rmSync(file);
    await promptly(async () => (await reloads(weir, "refused")) === 1, "its absence is told");
    expect((await readiness(weir)).configuration).toMatch(/does not exist/);
    expect((await ask(weir, { model: "renamed" })).status).toBe(200);
    renameSync(kept, file);
    await becomes(weir, 200, { model: "back" });
    await endLoad();
  }, 15_000);

  test("a secret that only a refused file names, and that comes later, puts that file in force", async () => {
    const aws = sandbox.credentials.aws[0];
    const changed = configuration({ models: ["with-secret"] });
    const credentials = { access_key_id: aws?.accessKeyId, secret_access_key_file: "late-secret" };
    const { b } = changed.upstreams;
    weir.rewrite({ ...changed, upstreams: { b: { ...b, credentials } } });
    await promptly(async () => (await reloads(weir, "refused")) === 1, "it is refused");
    writeFileSync(join(weir.folder, "late-secret"), aws?.secretAccessKey ?? "");
    await becomes(weir, 200, { model: "with-secret" });
    await endLoad();
  }, 15_000);

  test("a file that is written in two steps is read when it is whole", async () => {
    const whole = readFileSync(written("whole.yaml", { models: ["whole"] }), "utf8");
    writeFileSync(file, "");
    // Longer than the gateway takes to see that the file has changed.
    await pause(120);
    writeFileSync(file, whole);
    await becomes(weir, 200, { model: "whole" });
    expect(await reloads(weir, "refused")).toBe(0);
    await endLoad();
  }, 15_000);

  test("a first half that is good by itself and has no workspaces locks no client out; one with an empty list of workspaces does", async () => {
    const { workspaces, ...half } = configuration();
    for (const text of [JSON.stringify(half), JSON.stringify({ ...half, workspaces: null })]) {
      const before = await reloads(weir, "refused");
      writeFileSync(file, text);
      await promptly(async () => (await reloads(weir, "refused")) === before + 1, "it is refused");
      expect((await ask(weir)).status).toBe(200);
    }
    expect((await readiness(weir)).configuration).toMatch(/workspaces: expected at least one.*"workspaces: \{\}"/);
    await endLoad();
    expect(Object.keys(workspaces)).toEqual(["acme"]);
    writeFileSync(file, JSON.stringify({ ...half, workspaces: {} }));
    await becomes(weir, 401, {});
  }, 15_000);

  test("a pipe in the place of a file is refused, and no call waits for it", async () => {
    const pipe = join(weir.folder, "pipe");
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    const aws = sandbox.credentials.aws[0];
    const changed = configuration();
    const credentials = { access_key_id: aws?.accessKeyId, secret_access_key_file: "pipe" };
    weir.rewrite({ ...changed, upstreams: { b: { ...changed.upstreams.b, credentials } } });
    await promptly(async () => (await reloads(weir, "refused")) === 1, "it is refused");
    expect((await readiness(weir)).configuration).toMatch(/secret_access_key_file: .*a pipe/);
    renameSync(pipe, file);
    await promptly(async () => (await reloads(weir, "refused")) === 2, "the pipe as the file itself is refused");
    expect((await ask(weir)).status).toBe(200);
    rmSync(file);
    weir.rewrite(configuration({ models: ["after"] }));
    await becomes(weir, 200, { model: "after" });
    await endLoad();
  }, 15_000);

  test("a mounted ConfigMap that is swapped by its ..data link counts", async () => {
    const version = (name: string, variant: Variant) => {
      const target = join(weir.folder, name);
      mkdirSync(target);
      renameSync(written(`${name}.yaml`, variant), join(target, "weir.yaml"));
      return name;
    };
    const point = (name: string) => {
      symlinkSync(name, join(weir.folder, "..data_tmp"));
      renameSync(join(weir.folder, "..data_tmp"), join(weir.folder, "..data"));
    };
    point(version("..2026_01", { models: ["first"] }));
    symlinkSync(join("..data", "weir.yaml"), join(weir.folder, "link"));
    renameSync(join(weir.folder, "link"), file);
    await becomes(weir, 200, { model: "first" });
    point(version("..2026_02", { models: ["second"] }));
    rmSync(join(weir.folder, "..2026_01"), { recursive: true });
    await becomes(weir, 200, { model: "second" });
    expect((await ask(weir, { model: "first" })).status).toBe(404);
    await endLoad();
  }, 15_000);

  test("twenty changes in a row leave no connection behind that no call needs, and the last one is in force", async () => {
    const openedBefore = sandbox.calls.counts.connectionsOpened;
    for (let nth = 1; nth <= 20; nth++) {
      weir.rewrite(configuration({ models: [`model-${nth}`], silence: `${60 + nth}s` }));
      weir.child.kill("SIGHUP");
      await becomes(weir, 200, { model: `model-${nth}` });
    }
    await endLoad();
    expect(await readiness(weir)).toEqual({ status: 200, configuration: "ok" });
    // Each opened upstream would otherwise keep those of its callers for half a minute.
    await promptly(async () => sandbox.calls.counts.connections <= CALLERS + 5, "few connections are open");
    expect(sandbox.calls.counts.connectionsOpened - openedBefore).toBeGreaterThan(2 * CALLERS);
    expect(await reloads(weir, "refused")).toBe(0);
  }, 25_000);
}
