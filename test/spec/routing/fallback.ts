/** What a client sees where one of two targets fails: nothing, as long as the answer has not begun. */
import { describe, expect } from "bun:test";
import { eventually } from "../../support/waits.ts";
import type { Weir } from "../../support/weir.ts";
import type { Answered } from "../client.ts";
import { DIALECTS, type Spoken } from "../dialects.ts";
import { startRecorder } from "../recorder.ts";
import type { World } from "../world.ts";

/** How the first of two targets fails, and the kinds of failure that it may be. */
interface Fault {
  name: string;
  /** The directive for the stand-in. */
  prompt: string;
  /** Ending of the first target's upstream in the world's configuration. */
  upstream?: "wrong" | "nowhere";
  hasty?: boolean;
  streamsOnly?: boolean;
  kinds: readonly string[];
}

const FAULTS: readonly Fault[] = [
  { name: "refuses the connection", prompt: "", upstream: "nowhere", kinds: ["upstream_unreachable"] },
  { name: "refuses our credentials", prompt: "", upstream: "wrong", kinds: ["misconfigured"] },
  { name: "answers 500", prompt: "[sandbox: status=500]", kinds: ["upstream_failed"] },
  { name: "is overloaded", prompt: "[sandbox: overloaded]", kinds: ["upstream_overloaded"] },
  { name: "throttles", prompt: "[sandbox: throttle]", kinds: ["upstream_rate_limited"] },
  { name: "hangs up", prompt: "[sandbox: hang-up]", kinds: ["upstream_malformed", "upstream_unreachable"] },
  { name: "does not speak HTTP", prompt: "[sandbox: malformed]", kinds: ["upstream_malformed"] },
  { name: "never answers", prompt: "[sandbox: stall]", hasty: true, kinds: ["upstream_timeout"] },
  {
    name: "begins with an exception",
    prompt: "[sandbox: exception]",
    streamsOnly: true,
    kinds: ["upstream_rate_limited", "upstream_failed"],
  },
  { name: "breaks off before the first text", prompt: "[sandbox: cut]", streamsOnly: true, kinds: ["upstream_malformed"] },
];

/** Calls that are well, between two that fail: the retry budget is a fifth of all calls. */
const WELL = 5;

const slug = (name: string) => name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase();
const nameOf = (dialect: Spoken, fault: Fault, stream: boolean) => `${dialect.family}-${slug(fault.name)}-${stream ? "streamed" : "whole"}`;

/** Two targets for each fault, as upstreams of their own: one fault must not open the breaker of the next one's target. */
function configuration(world: World): Record<string, unknown> {
  const base = world.configuration() as { upstreams: Record<string, object>; models: Record<string, { targets: { model: string }[] }> };
  const upstreams: Record<string, object> = { ...base.upstreams };
  const models: Record<string, object> = { ...base.models };
  for (const dialect of DIALECTS) {
    const vendor = dialect.family === "gpt" ? "azure" : "bedrock";
    const model = base.models[dialect.family]?.targets[0]?.model ?? "";
    const add = (name: string, fault: Fault, spare: string) => {
      const own = `up-${name}`;
      upstreams[own] = { ...base.upstreams[`${vendor}-${fault.upstream ?? "eu"}`] };
      const timeouts = fault.hasty ? { timeouts: { first_byte: "300ms", silence: "300ms" } } : {};
      models[name] = {
        ...timeouts,
        targets: [
          { upstream: own, model },
          { upstream: spare, model },
        ],
      };
    };
    for (const fault of FAULTS) for (const stream of [true, false]) add(nameOf(dialect, fault, stream), fault, `${vendor}-recorder`);
    add(`${dialect.family}-hopeless`, { name: "", prompt: "", upstream: "wrong", kinds: [] }, `${vendor}-nowhere`);
    add(`${dialect.family}-spared`, { name: "", prompt: "", kinds: [] }, `${vendor}-recorder`);
  }
  return { ...base, upstreams, models };
}

export function specifyFallback(world: World): void {
  let weir: Promise<Weir> | undefined;
  const gateway = () => (weir ??= world.another({ config: configuration(world) }));
  /** Looked up in the log at the end, all at once: it is written a few times a second. */
  const fallen: { answered: Answered; fault: Fault }[] = [];
  const attemptsOf = (answered: Answered) => answered.headers.get("x-weir-attempts");

  for (const dialect of DIALECTS) {
    describe(dialect.name, () => {
      const ask = async (model: string, prompt: string, stream: boolean) =>
        await world.ask(dialect, { prompt, stream, more: { model } }, await gateway());
      const recorded = `${dialect.family}-recorded`;

      for (const fault of FAULTS) {
        for (const stream of fault.streamsOnly ? [true] : [true, false]) {
          world.sentence(`a target that ${fault.name} is followed by the next one: ${stream ? "a stream" : "a whole answer"}`, async () => {
            await Promise.all(Array.from({ length: WELL }, () => ask(recorded, "Hello", false)));
            const answered = await ask(nameOf(dialect, fault, stream), fault.prompt, stream);
            expect({ status: answered.status, attempts: attemptsOf(answered), whole: answered.whole }).toEqual({
              status: 200,
              attempts: "2",
              whole: true,
            });
            const model = nameOf(dialect, fault, stream);
            expect(answered.text.replace(model, recorded)).toBe((await ask(recorded, "Hello", stream)).text);
            fallen.push({ answered, fault });
          });
        }
      }

      world.sentence("the client's own mistake is answered at once, and no other target is asked", async () => {
        const asked = world.recorder.all().length;
        const answered = await ask(`${dialect.family}-spared`, "[sandbox: status=400]", false);
        expect([answered.status, attemptsOf(answered)]).toEqual([400, "1"]);
        expect(world.recorder.all().length).toBe(asked);
      });

      world.sentence("what breaks after the first text ends there", async () => {
        const asked = world.recorder.all().length;
        const answered = await ask(`${dialect.family}-spared`, "[sandbox: tokens=20 exception after=5]", true);
        expect([answered.status, attemptsOf(answered)]).toEqual([200, "1"]);
        expect(dialect.streamedError(answered.text)).toBeDefined();
        expect(world.recorder.all().length).toBe(asked);
      });

      world.sentence("where all targets fail, the answer is the last one's failure", async () => {
        await Promise.all(Array.from({ length: WELL }, () => ask(recorded, "Hello", false)));
        const answered = await ask(`${dialect.family}-hopeless`, "Hello", true);
        expect([answered.status, attemptsOf(answered)]).toEqual([502, "2"]);
        const { outcome, tried } = await world.logged(answered, await gateway());
        expect([outcome, (tried as { outcome: string }[]).map((one) => one.outcome)]).toEqual([
          "upstream_unreachable",
          ["misconfigured", "upstream_unreachable"],
        ]);
      });

      world.sentence("a body that a worker has weighed goes to the next target too", async () => {
        await Promise.all(Array.from({ length: WELL }, () => ask(recorded, "Hello", false)));
        const [fault] = FAULTS;
        const model = fault === undefined ? "" : nameOf(dialect, fault, false);
        const text = "all of it must arrive. ".repeat(8_000);
        const answered = await world.ask(dialect, { prompt: text, more: { model } }, await gateway());
        expect([answered.status, attemptsOf(answered)]).toEqual([200, "2"]);
        expect(world.recorder.last().body).toContain(text);
      });
    });
  }

  world.sentence("the access log says what each attempt met", async () => {
    for (const { answered, fault } of fallen) {
      const { tried, attempts } = await world.logged(answered, await gateway());
      const outcomes = (tried as { outcome: string }[]).map(({ outcome }) => outcome);
      expect([attempts, outcomes[1]]).toEqual([2, "ok"]);
      expect(fault.kinds).toContain(outcomes[0] ?? "");
    }
  });

  world.sentence("attempts, retries and breakers are counted", async () => {
    const { adminUrl } = await gateway();
    const page = await (await fetch(`${adminUrl}/metrics`)).text();
    const upstream = `up-${nameOf(DIALECTS[0] as Spoken, FAULTS[2] as Fault, true)}`;
    expect(page).toMatch(new RegExp(`weir_upstream_attempts_total\\{upstream="${upstream}",model="[^"]+",outcome="upstream_failed"\\} 1`));
    expect(page).toMatch(/weir_upstream_retries_total\{upstream="bedrock-recorder"\} [1-9]/);
    expect(page).toMatch(new RegExp(`weir_upstream_breaker_state\\{upstream="${upstream}",model="[^"]+"\\} 0`));
  });

  world.sentence("a target that goes on failing is left out, and is said to be", async () => {
    const alone = await world.another({ config: configuration(world) });
    const [dialect, fault] = [DIALECTS[1] as Spoken, FAULTS[2] as Fault];
    const model = nameOf(dialect, fault, false);
    const ask = async (prompt: string) => await world.ask(dialect, { prompt, more: { model } }, alone);
    await Promise.all(Array.from({ length: 5 * WELL }, () => world.ask(dialect, { more: { model: "gpt-recorded" } }, alone)));
    for (let call = 0; call < 5; call++) expect((await ask(fault.prompt)).status).toBe(200);
    const answered = await ask(fault.prompt);
    expect([answered.status, attemptsOf(answered)]).toEqual([200, "1"]);
    await alone.logged((line) => line.level === "warn" && line.upstream === `up-${model}`);
    const page = await (await fetch(`${alone.adminUrl}/metrics`)).text();
    expect(page).toContain(`weir_upstream_breaker_state{upstream="up-${model}",model="${model}"} 2`);
  });

  world.sentence("a conversation keeps its target, and different ones are shared", async () => {
    const config = configuration(world) as { models: Record<string, object> };
    const targets = ["azure-eu", "azure-recorder"].map((upstream) => ({ upstream, model: "gpt-4o-eu", rank: 0 }));
    const shared = await world.another({ config: { ...config, models: { ...config.models, shared: { targets } } } });
    const ask = async (headers: Record<string, string>, user?: string) => {
      const answered = await world.ask(DIALECTS[1] as Spoken, { headers, more: { model: "shared", ...(user && { user }) } }, shared);
      return (await world.logged(answered, shared)).upstream as string;
    };
    const turns = async (of: () => Promise<string>) => new Set([await of(), await of(), await of(), await of()]);
    const sessions = Array.from({ length: 8 }, (_, index) => `session-${index}`);
    const places = await Promise.all(sessions.map((session) => turns(() => ask({ "x-claude-code-session-id": session }))));
    expect(places.map(({ size }) => size)).toEqual(places.map(() => 1));
    expect(new Set(places.flatMap((set) => [...set])).size).toBe(2);
    expect((await turns(() => ask({}, "somebody"))).size).toBe(1);
  });

  world.sentence(
    "one of two targets that dies under load costs no client its answer, and is back within ten seconds of its return",
    async () => {
      let second = await startRecorder();
      const { port } = new URL(second.url);
      const config = configuration(world) as { upstreams: Record<string, object>; models: Record<string, object> };
      const upstreams = { ...config.upstreams, second: { ...config.upstreams["azure-recorder"], endpoint: second.url } };
      const targets = ["azure-recorder", "second"].map((upstream) => ({ upstream, model: "gpt-4o-eu", rank: 0 }));
      const models = { ...config.models, shared: { affinity: "off", targets } };
      const loaded = await world.another({ config: { ...config, upstreams, models } });
      const ask = () => world.ask(DIALECTS[1] as Spoken, { more: { model: "shared" } }, loaded);
      /** 40 calls at a time, each as soon as the one before is answered. */
      const round = async (count: number) => (await Promise.all(Array.from({ length: 40 }, async () => await times(count, ask)))).flat();
      await round(5);
      second.close();
      const during = await round(10);
      const after = await round(10);
      expect(new Set([...during, ...after].map(({ status }) => status))).toEqual(new Set([200]));
      const repeated = after.filter((answered) => attemptsOf(answered) !== "1");
      expect(repeated.length).toBeLessThanOrEqual(after.length * 0.05);
      second = await startRecorder(Number(port));
      await eventually(async () => (await times(4, ask)).length > 0 && second.all().length > 1, "the target is used again", 10_000);
      second.close();
      loaded.child.kill("SIGKILL");
    },
    30_000,
  );
}

async function times<T>(count: number, act: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let time = 0; time < count; time++) results.push(await act());
  return results;
}
