/** Parameters that clients send and clouds refuse. */
import { expect } from "bun:test";
import { anthropic, openai } from "./dialects.ts";
import { expectFailure, type World } from "./world.ts";

const FOUR: readonly [name: string, values: readonly unknown[]][] = [
  ["n", [1, 2, null]],
  ["service_tier", ["auto", "flex"]],
  ["parallel_tool_calls", [true, false, null]],
  ["stream_options", [{ include_usage: true }, null]],
];

export function specifyParameters(world: World): void {
  world.sentence("under strict_parameters the four are refused by name, whatever their value", async () => {
    const weir = await world.another({ config: { ...world.configuration(), strict_parameters: true } });
    expect((await world.ask(openai, { more: { max_tokens: 9, temperature: 1 } }, weir)).status).toBe(200);
    for (const [name, values] of FOUR) {
      for (const value of values) {
        // The larger one is checked by a worker.
        for (const padding of ["", "x".repeat(100_000)]) {
          const answered = await world.ask(openai, { more: { [name]: value, stream: true, padding } }, weir);
          const error = expectFailure(openai, answered, "invalid");
          expect(error).toMatchObject({ param: name, code: "unsupported_parameter" });
        }
      }
    }
    const nested = [{ role: "user", content: "n service_tier" }];
    expect((await world.ask(openai, { more: { messages: nested, metadata: { n: "2" } } }, weir)).status).toBe(200);
    expect((await world.ask(anthropic, { more: { service_tier: "auto" } }, weir)).status).toBe(200);
  });

  world.sentence("max_tokens reaches a reasoning model as max_completion_tokens, and every other model as it came", async () => {
    const { models, ...config } = world.configuration() as { models: object };
    const at = (model: string) => ({ targets: [{ upstream: "azure-recorder", model }] });
    const more = { "o3-mini": at("prod"), thinker: at("eu-gpt-5-mini"), "gpt-4o": at("prod-4o") };
    const weir = await world.another({ config: { ...config, models: { ...models, ...more } } });
    const sent = async (body: string): Promise<string> => {
      expect((await world.ask(openai, { body }, weir)).status).toBe(200);
      return world.recorder.last().body;
    };
    const messages = '"messages":[{"role":"user","content":"\\"max_tokens\\":1"}]';
    for (const [model, deployment] of [
      ["o3-mini", "prod"],
      ["thinker", "eu-gpt-5-mini"],
    ]) {
      expect(await sent(`{"model":"${model}", "max_tokens" : 1e2,${messages}}`)).toBe(
        `{"model":"${deployment}", "max_completion_tokens" : 1e2,${messages}}`,
      );
      expect(await sent(`{"model":"${model}","max_completion_tokens":5,${messages}}`)).toContain('"max_completion_tokens":5');
      const both = JSON.parse(await sent(`{"model":"${model}","max_completion_tokens":null,"max_tokens":7,${messages}}`));
      expect([both.max_completion_tokens, "max_tokens" in both]).toEqual([7, false]);
    }
    expect(JSON.parse(await sent(`{"model":"gpt-4o","max_tokens":7,${messages}}`))).toMatchObject({ max_tokens: 7 });
  });
}
