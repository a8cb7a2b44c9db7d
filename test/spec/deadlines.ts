/** The client's own deadline: it ends the call, here and upstream, and no other target is tried after it. */
import { describe, expect } from "bun:test";
import { eventually } from "../support/waits.ts";
import { anthropic, DIALECTS, openai } from "./dialects.ts";
import { expectFailure, KEY, type World } from "./world.ts";

const STALL = "[sandbox: stall]";

export function specifyDeadlines(world: World): void {
  const isAtRest = () => eventually(() => world.sandbox.calls.counts.stalled === 0, "the upstream's connection to be closed");

  for (const dialect of DIALECTS) {
    describe(dialect.name, () => {
      for (const headers of [{ "x-weir-timeout": "0.3" }, { "x-weir-timeout": "300ms" }, { "x-stainless-read-timeout": "0.3" }]) {
        const [[name, value]] = Object.entries(headers) as [[string, string]];
        world.sentence(`${name}: ${value} ends a call that has no answer by then with 504, and its upstream's call`, async () => {
          for (const stream of [true, false]) {
            const answered = await world.ask(dialect, { prompt: STALL, stream, headers });
            expect(expectFailure(dialect, answered, "timeout").message).toContain("longer than its client allows");
            expect(answered.headMs).toBeWithin(295, 3_000);
            await isAtRest();
            expect(await world.logged(answered)).toMatchObject({ outcome: "deadline_exceeded", attempts: 1 });
          }
        });
      }

      world.sentence("x-stainless-timeout bounds the time until an answer begins, and x-weir-timeout all of it", async () => {
        const ask = (name: string) =>
          world.ask(dialect, { stream: true, prompt: "[sandbox: tokens=9 quiet ms=1500 after=3]", headers: { [name]: "1" } });
        const [whole, cut] = await Promise.all([ask("x-stainless-timeout"), ask("x-weir-timeout")]);
        expect([whole.status, dialect.isComplete(whole.text)]).toEqual([200, true]);
        expect([cut.status, cut.whole, dialect.isComplete(cut.text)]).toEqual([200, true, false]);
        expect(dialect.streamedText(cut.text)).not.toBe("");
        expect(dialect.streamedError(cut.text)?.message).toContain("longer than its client allows");
        const { outcome, output_tokens } = await world.logged(cut);
        expect(outcome).toBe("deadline_exceeded");
        expect(output_tokens).toBeWithin(1, 9);
      });
    });
  }

  world.sentence("no other target is tried once the client's deadline has come", async () => {
    const config = world.configuration() as { models: Record<string, { targets: object[] }> };
    const targets = ["gpt", "gpt-recorded"].flatMap((model) => config.models[model]?.targets ?? []);
    const weir = await world.another({
      config: { ...config, models: { ...config.models, both: { targets, timeouts: { first_byte: "500ms" } } } },
    });
    const asked = world.recorder.all().length;
    const answered = await world.ask(openai, { prompt: STALL, more: { model: "both" }, headers: { "x-weir-timeout": "200ms" } }, weir);
    expect([answered.status, answered.headers.get("x-weir-attempts")]).toEqual([504, "1"]);
    await isAtRest();
    // Without it, the first target's own clock would have made room for the second.
    const patient = await world.ask(openai, { prompt: STALL, more: { model: "both" } }, weir);
    expect([patient.status, patient.headers.get("x-weir-attempts")]).toEqual([200, "2"]);
    expect(world.recorder.all().length).toBe(asked + 1);
    weir.child.kill("SIGKILL");
  });

  world.sentence("a deadline counts while the body comes, too, and the connection ends with it", async () => {
    const headers = { authorization: `Bearer ${KEY}`, connection: "keep-alive", "x-weir-timeout": "200ms" };
    const answered = await world.call({ path: anthropic.path, headers, declaredLength: 1_000 }).answered;
    expectFailure(anthropic, answered, "timeout");
    expect(answered.headers.get("connection")).toBe("close");
  });

  world.sentence(
    "what an SDK says where it has no deadline is none, and a deadline of one's own that cannot be read is a 400",
    async () => {
      for (const value of ["NOT_GIVEN", "0", "600", "-1", "", "1e999"])
        expect((await world.ask(openai, { headers: { "x-stainless-timeout": value } })).status).toBe(200);
      for (const value of ["soon", "0", "-1", "5 s", "25h", "1e3", ""]) {
        const answered = await world.ask(openai, { headers: { "x-weir-timeout": value } });
        const { message, param } = expectFailure(openai, answered, "invalid");
        expect([message.startsWith("x-weir-timeout: "), param]).toEqual([true, "x-weir-timeout"]);
      }
    },
  );
}
