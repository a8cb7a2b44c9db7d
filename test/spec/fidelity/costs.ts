/** What has a separate price is counted separately: in the log, in the metrics and in the totals of a day. */
import { describe, expect } from "bun:test";
import { ADMIN_TOKEN, type Answer, type FidelityWorld, type Json } from "./world.ts";

type Parts = { write5m: number; write1h: number; reasoning: number };

const PARTS = { write5m: "cache_write_5m", write1h: "cache_write_1h", reasoning: "reasoning" } as const;

export function specifyCosts(world: FidelityWorld): void {
  const each = (read: (name: string) => number): Parts => ({
    write5m: read(PARTS.write5m),
    write1h: read(PARTS.write1h),
    reasoning: read(PARTS.reasoning),
  });
  const logged = async (answer: Answer): Promise<Parts> => {
    const line = await world.weir.logged(({ request_id }) => request_id === answer.headers.get("request-id"));
    return each((name) => Number(line[`${name}_tokens`] ?? 0));
  };
  const counted = async (model: string): Promise<Parts> => {
    const text = await (await fetch(`${world.weir.adminUrl}/metrics`)).text();
    return each((part) => {
      const found = text
        .split("\n")
        .find((line) => line.startsWith(`weir_token_parts_total{workspace="acme",model="${model}",part="${part}"}`));
      return Number(found?.split(" ").at(-1) ?? Number.NaN);
    });
  };
  const ofTheDay = async (model: string): Promise<Parts> => {
    const answer = await fetch(`${world.weir.adminUrl}/admin/v1/workspaces/acme/usage?limit=1000`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const { data } = (await answer.json()) as { data: { model: string; days: Json[] }[] };
    const [day] = data.find((entry) => entry.model === model)?.days ?? [];
    expect(Number(day?.cache_write_5m_tokens) + Number(day?.cache_write_1h_tokens)).toBe(Number(day?.cache_write_tokens));
    return each((name) => Number(day?.[`${name}_tokens`]));
  };

  /** Asks, and sees what each of the three places has more than before. */
  const tell = async (model: string, ask: () => Promise<Answer>, expected: (answer: Answer) => Parts) => {
    const before = await counted(model);
    const answer = await ask();
    expect([answer.status, answer.status === 200 ? "" : answer.text]).toEqual([200, ""]);
    const parts = expected(answer);
    expect(await logged(answer)).toEqual(parts);
    const after = await counted(model);
    expect(after).toEqual({
      write5m: before.write5m + parts.write5m,
      write1h: before.write1h + parts.write1h,
      reasoning: before.reasoning + parts.reasoning,
    });
    expect(await ofTheDay(model)).toEqual(after);
    return parts;
  };

  const long = (name: string, ttl: string) => ({
    type: "text",
    text: `${name} ${world.mark()} ${"weir ".repeat(1_500)}`,
    cache_control: { type: "ephemeral", ttl },
  });
  const messageUsage = (stream: boolean) => (answer: Answer) => {
    const usage = stream
      ? (JSON.parse(
          /"usage":(\{[^}]*\{[^}]*\}[^}]*\{[^}]*\}[^}]*\})/.exec(answer.text.slice(answer.text.indexOf("message_delta")))?.[1] ?? "{}",
        ) as Json)
      : (answer.json.usage as Json);
    const created = usage.cache_creation as Record<string, number>;
    const details = usage.output_tokens_details as Record<string, number>;
    return {
      write5m: created.ephemeral_5m_input_tokens ?? 0,
      write1h: created.ephemeral_1h_input_tokens ?? 0,
      reasoning: details.thinking_tokens ?? 0,
    };
  };

  describe("what has a separate price", () => {
    for (const stream of [false, true]) {
      world.sentence(
        `cache writes of five minutes and of an hour, and thoughts, of messages, ${stream ? "streamed" : "whole"} (litellm#29432, #36760)`,
        async () => {
          const model = "claude-sonnet-4-5-20250929";
          const body = {
            model,
            stream,
            system: [long("hour", "1h"), long("minutes", "5m")],
            max_tokens: 3_000,
            thinking: { type: "enabled", budget_tokens: 1_024 },
          };
          const parts = await tell(model, () => world.messages(body), messageUsage(stream));
          for (const tokens of Object.values(parts)) expect(tokens).toBeGreaterThan(0);
        },
      );

      world.sentence(`thoughts of responses and of chat completions, ${stream ? "streamed" : "whole"}`, async () => {
        const model = "gpt-5-mini";
        const reasoning = (answer: Answer) =>
          Number(/"reasoning_tokens":(\d+)/.exec(answer.text.slice(answer.text.lastIndexOf('"usage"')))?.[1]);
        const expected = (answer: Answer) => ({ write5m: 0, write1h: 0, reasoning: reasoning(answer) });
        const byResponses = await tell(model, () => world.responses({ model, input: "Hello", stream }), expected);
        const more = stream ? { stream_options: { include_usage: true } } : {};
        const byChat = await tell(model, () => world.chat({ model, stream, ...more }), expected);
        expect(byResponses.reasoning).toBeGreaterThan(0);
        expect(byChat.reasoning).toBeGreaterThan(0);
      });
    }

    world.sentence("the unified route tells them too, under names beside OpenAI's", async () => {
      const model = "claude-opus-4-5-20251101";
      const system = [long("hour", "1h")];
      const body = {
        model,
        system,
        max_tokens: 3_000,
        thinking: { type: "enabled", budget_tokens: 1_024 },
        messages: [{ role: "user", content: "Hello" }],
      };
      await tell(
        model,
        () => world.post("/api/v1/messages", body),
        ({ json }) => {
          const { usage } = json.data as {
            usage: { prompt_tokens_details: Record<string, number>; completion_tokens_details: Record<string, number> };
          };
          const told = {
            write5m: usage.prompt_tokens_details.cache_write_5m_tokens ?? -1,
            write1h: usage.prompt_tokens_details.cache_write_1h_tokens ?? -1,
            reasoning: usage.completion_tokens_details.reasoning_tokens ?? -1,
          };
          expect([told.write5m, told.write1h > 0, told.reasoning > 0]).toEqual([0, true, true]);
          return told;
        },
      );
    });
  });
}
