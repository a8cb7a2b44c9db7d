/** Starting and ending. */
import { expect } from "bun:test";
import { createServer } from "node:net";
import { eventually, pause } from "../support/waits.ts";
import { runToEnd, SEPARATE_MS } from "../support/weir.ts";
import { KeptConnection } from "./client.ts";
import { anthropic, DIALECTS, openai } from "./dialects.ts";
import type { World } from "./world.ts";

/** Far more than an end takes on a busy machine, and far less than what it does not wait for. */
const AT_ONCE_MS = 5_000;

export function specifyLifecycle(world: World): void {
  world.sentence(
    "SIGTERM drains: not ready at once, new calls served for the grace, open ones finish, the rest get an error event, exit code 0",
    async () => {
      const weir = await world.another({ server: { drain_grace: "500ms", drain_timeout: "1s" } });
      const prompt = (what: string) => ({ stream: true, prompt: `[sandbox: tokens=9 ${what}]` });
      const finishing = DIALECTS.map((dialect) => world.open(dialect, prompt("quiet ms=900 after=3"), weir));
      const endless = DIALECTS.map((dialect) => world.open(dialect, prompt("stall after=3"), weir));
      await Promise.all([...finishing, ...endless].map((call) => call.until((text) => /weir/.test(text))));
      const waiting = world.open(openai, { prompt: "[sandbox: stall]" }, weir);

      const ended = weir.stop("SIGTERM");
      await eventually(async () => (await fetch(`${weir.url}/readyz`)).status === 503, "readyz to turn", 500);
      expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(503);
      expect((await fetch(`${weir.url}/healthz`)).status).toBe(200);
      for (const dialect of DIALECTS) expect((await world.ask(dialect, {}, weir)).status).toBe(200);

      for (const [index, dialect] of DIALECTS.entries()) {
        const whole = await finishing[index]?.answered;
        expect(dialect.isComplete(whole?.text ?? "")).toBe(true);
        const cut = await endless[index]?.answered;
        expect(cut?.whole).toBe(true);
        expect(dialect.isComplete(cut?.text ?? "")).toBe(false);
        expect(dialect.streamedError(cut?.text ?? "")?.message).toMatch(/restarting/);
      }
      expect((await waiting.answered).status).toBe(503);
      expect(await ended).toBe(0);
      const late = await world.call({ method: "GET", path: "/healthz" }, weir).answered;
      expect(late.status).toBe(0);
      expect(weir.log().filter((line) => line.message === "request" && line.outcome === "draining").length).toBe(3);
    },
    20_000,
  );

  world.sentence(
    "while it drains, answers end their connections; idle ones are closed with the grace, and open calls keep their time",
    async () => {
      const weir = await world.another({ server: { drain_grace: "700ms", drain_timeout: "20s" } });
      const open = world.open(openai, { stream: true, prompt: "[sandbox: tokens=9 quiet ms=2500 after=3]" }, weir);
      await open.until((text) => /weir/.test(text));
      const [used, idle] = [new KeptConnection(weir.url), new KeptConnection(weir.url)];
      for (const connection of [used, idle]) {
        connection.ask();
        await eventually(() => connection.answers.length === 1, "an answer");
        expect(connection.answers[0]).not.toMatch(/connection: close/i);
      }
      const ended = weir.stop("SIGTERM");
      await weir.logged((line) => line.message === "draining");
      used.ask();
      await eventually(() => used.isClosed, "the end after an answer");
      expect(used.answers[1]).toMatch(/^HTTP\/1\.1 200[\s\S]*connection: close/i);
      expect(idle.isClosed).toBe(false);
      await eventually(() => idle.isClosed, "the end of the idle connection");
      expect(openai.isComplete(open.text)).toBe(false);
      expect(openai.isComplete((await open.answered).text)).toBe(true);
      expect(await ended).toBe(0);
    },
  );

  world.sentence("with nothing open, SIGTERM and SIGINT end at once", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const weir = await world.another({ server: { drain_grace: "0s" } });
      expect((await world.ask(anthropic, {}, weir)).status).toBe(200);
      const startedMs = performance.now();
      expect(await weir.stop(signal)).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS);
    }
  });

  world.sentence("a second signal ends at once", async () => {
    const weir = await world.another({ server: { drain_grace: "60s", drain_timeout: "60s" } });
    const call = world.open(anthropic, { stream: true, prompt: "[sandbox: tokens=9 stall after=3]" }, weir);
    await call.until((text) => /weir/.test(text));
    weir.child.kill("SIGTERM");
    await weir.logged((line) => line.message === "draining");
    // Signals that arrive together (a terminal's and npm's) are one.
    await pause(SEPARATE_MS);
    const startedMs = performance.now();
    expect(await weir.stop("SIGTERM")).not.toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS);
    expect((await call.answered).whole).toBe(false);
  });

  world.sentence(
    "a host of another machine, a host that is none and a word that is no log level are one line each and exit code 1",
    async () => {
      const starting = (server: object, environment: Record<string, string> = {}) =>
        runToEnd(world.runtime, { config: { ...world.configuration(), server }, environment });
      const [elsewhere, nowhere, level] = await Promise.all([
        starting({ host: "192.0.2.1" }),
        starting({ host: "not a host" }),
        starting({}, { WEIR_LOG_LEVEL: "inof" }),
      ]);
      expect(elsewhere.code).toBe(1);
      expect(elsewhere.stderr).toMatch(/^weir: port 0 on 192\.0\.2\.1 cannot be opened: this machine has no such address; .*\n$/);
      expect(nowhere.code).toBe(1);
      expect(nowhere.stderr).toMatch(/^weir: port 0 on the configured host cannot be opened \(.*\n$/);
      expect(level.code).toBe(1);
      expect(level.stderr).toMatch(/^environment: 1 mistake\n {2}WEIR_LOG_LEVEL: expected one of .* \(did you mean "info"\?\)\n$/);
    },
  );

  world.sentence("with a configuration, a port that is taken is one line and exit code 1", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const port = (server.address() as { port: number }).port;
    const { code, stderr, stdout } = await runToEnd(world.runtime, { config: world.configuration({ port }) });
    server.close();
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(`port ${port}`)]);
    expect(stdout).not.toContain("listening");
  });

  world.sentence("a wrong configuration ends before a port opens, with every mistake listed by its path", async () => {
    const config = { ...world.configuration({ drain_timeout: "soon" }), workers: -1, worker: "blue" };
    for (const words of [[], ["check"]]) {
      const { code, stderr, stdout } = await runToEnd(world.runtime, { config, arguments: words });
      expect(code).toBe(1);
      for (const path of ["server.drain_timeout", "workers:", "worker:"]) expect(stderr).toContain(path);
      expect(stdout).not.toContain("listening");
    }
    const missing = await runToEnd(world.runtime, { arguments: ["--config", "/nowhere/weir.yaml"] });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("/nowhere/weir.yaml");
  });

  world.sentence("check prints what a configuration resolves to, and no secret", async () => {
    const { code, stdout, stderr } = await runToEnd(world.runtime, { config: world.configuration(), arguments: ["check"] });
    expect([code, stderr]).toEqual([0, ""]);
    for (const shown of ["bedrock-eu", "gpt-4o-us", "acme", "claude-hasty"]) expect(stdout).toContain(shown);
    for (const secret of world.secrets) expect(stdout).not.toContain(secret);
  });

  world.sentence("schema prints the JSON Schema of weir.yaml; a command that does not exist is exit code 2", async () => {
    const { code, stdout } = await runToEnd(world.runtime, { arguments: ["schema"] });
    expect(code).toBe(0);
    expect(Object.keys(JSON.parse(stdout).properties)).toContain("upstreams");
    const unknown = await runToEnd(world.runtime, { arguments: ["dance"] });
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/dance[\s\S]*check[\s\S]*schema/);
  });
}
