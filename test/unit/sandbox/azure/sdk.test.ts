/** OpenAI's own clients work with the Azure stand-in, in the v1 API and in a dated one. */
import { afterAll, describe, expect, test } from "bun:test";
import OpenAI, { APIError, AzureOpenAI, BadRequestError } from "openai";
import type { ChatCompletionChunk, ChatCompletionCreateParamsNonStreaming, ChatCompletionTool } from "openai/resources/chat/completions";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";

const sandbox = await startSandbox();
afterAll(() => sandbox.close());

const key = sandbox.credentials.apiKeys[0] ?? "";
const CLIENTS: Record<string, (apiKey?: string) => OpenAI> = {
  "AzureOpenAI, 2024-10-21": (apiKey = key) =>
    new AzureOpenAI({ endpoint: sandbox.azure.url, apiKey, apiVersion: "2024-10-21", maxRetries: 0 }),
  "OpenAI, v1": (apiKey = key) => new OpenAI({ baseURL: `${sandbox.azure.url}/openai/v1`, apiKey, maxRetries: 0 }),
};

const TOOL: ChatCompletionTool = {
  type: "function",
  function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
};

function question(content: string, fields: Partial<ChatCompletionCreateParamsNonStreaming> = {}): ChatCompletionCreateParamsNonStreaming {
  return { model: "gpt-4o", messages: [{ role: "user", content }], ...fields };
}

async function streamed(client: OpenAI, params: ChatCompletionCreateParamsNonStreaming, usage?: boolean): Promise<ChatCompletionChunk[]> {
  const asked = usage === undefined ? {} : { stream_options: { include_usage: usage } };
  const chunks: ChatCompletionChunk[] = [];
  for await (const chunk of await client.chat.completions.create({ ...params, stream: true, ...asked })) chunks.push(chunk);
  return chunks;
}

const said = (chunks: readonly ChatCompletionChunk[]): string =>
  chunks.map(({ choices: [choice] }) => choice?.delta?.content ?? "").join("");

async function refusal(call: Promise<unknown>): Promise<APIError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof APIError) return thrown;
  throw new Error(`expected an APIError, got ${String(thrown)}`);
}

for (const [name, make] of Object.entries(CLIENTS)) {
  const client = make();
  describe(name, () => {
    test("an answer has its usage and the results of the content filter", async () => {
      const completion = await client.chat.completions.create(question("Hello!"));
      expect(completion.choices[0]?.message).toMatchObject({
        role: "assistant",
        content: "This is gpt-4o in the sandbox. You said: “Hello!”.",
      });
      expect(completion.choices[0]).toMatchObject({
        finish_reason: "stop",
        content_filter_results: { hate: { filtered: false, severity: "safe" } },
      });
      expect(completion).toHaveProperty("prompt_filter_results");
      const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = completion.usage ?? {};
      expect(completion_tokens).toBeGreaterThan(0);
      expect(total_tokens).toBe(prompt_tokens + completion_tokens);
    });

    test("the deltas of a stream are the text of the whole answer", async () => {
      const whole = await client.chat.completions.create(question("Grüße, 日本 and 🦦"));
      const chunks = await streamed(client, question("Grüße, 日本 and 🦦"), true);
      expect(said(chunks)).toBe(whole.choices[0]?.message.content ?? "nothing");
      expect(chunks.findLast(({ choices }) => choices.length > 0)?.choices[0]?.finish_reason).toBe("stop");
      expect(chunks.at(-1)?.usage).toEqual(whole.usage as NonNullable<typeof whole.usage>);
    });

    test("a stream begins with the filter's result for the prompt, without a choice", async () => {
      const [first, second] = await streamed(client, question("Hello!"));
      expect(first).toMatchObject({ choices: [], id: "", model: "", object: "", created: 0 });
      expect(first).toHaveProperty("prompt_filter_results");
      expect(second).toMatchObject({ object: "chat.completion.chunk", choices: [{ delta: { role: "assistant" } }] });
    });

    test("usage comes at the end of a stream where it was asked for, and only there", async () => {
      const told = await streamed(client, question("Hello!"), true);
      expect(told.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
      // The filter's result for the prompt is the first event, and has no usage.
      for (const chunk of told.slice(1, -1)) expect(chunk.usage).toBeNull();
      for (const asked of [undefined, false])
        for (const chunk of await streamed(client, question("Hello!"), asked)) expect(chunk).not.toHaveProperty("usage");
    });

    test("a tool is called, and the answer has its result", async () => {
      const params = question("What is the weather in Paris?", { tools: [TOOL] });
      const { message, finish_reason } = (await client.chat.completions.create(params)).choices[0] ?? {};
      const call = message?.tool_calls?.[0];
      expect([finish_reason, message?.content]).toEqual(["tool_calls", null]);
      expect(call).toMatchObject({ type: "function", function: { name: "get_weather", arguments: '{"city":"Paris"}' } });
      if (message === undefined || call === undefined) throw new Error("no call");
      const after = await client.chat.completions.create({
        ...params,
        messages: [...params.messages, message, { role: "tool", tool_call_id: call.id, content: "18 degrees" }],
      });
      expect(after.choices[0]?.message.content).toContain("The tool answered: “18 degrees”.");
    });

    test("a streamed tool call is the same call", async () => {
      const chunks = await streamed(client, question("What is the weather in Paris?", { tools: [TOOL] }));
      const parts = chunks.flatMap(({ choices: [choice] }) => choice?.delta?.tool_calls ?? []);
      expect(parts[0]).toMatchObject({
        index: 0,
        type: "function",
        id: expect.stringMatching(/^call_/),
        function: { name: "get_weather" },
      });
      expect(parts.map((part) => part.function?.arguments ?? "").join("")).toBe('{"city":"Paris"}');
      expect(parts.every(({ index }) => index === 0)).toBe(true);
    });

    test("a wrong key is a 401 in Azure's shape", async () => {
      const refused = await refusal(make("wrong").chat.completions.create(question("Hello!")));
      expect([refused.status, refused.code]).toEqual([401, "401"]);
      expect(refused.error).not.toHaveProperty("type");
      expect(sandbox.calls.recent.at(-1)?.headers[name.startsWith("Azure") ? "api-key" : "authorization"]).toEndWith("***");
    });

    test("a deployment that does not exist is a 404", async () => {
      const refused = await refusal(client.chat.completions.create(question("Hello!", { model: "missing-model" })));
      expect([refused.status, refused.code]).toEqual([404, "DeploymentNotFound"]);
    });

    test("a prompt that the filter stops is a 400 in the shape of its version", async () => {
      const refused = await refusal(client.chat.completions.create(question("[sandbox: filter]")));
      expect(refused).toBeInstanceOf(BadRequestError);
      expect([refused.param, refused.code]).toEqual(["prompt", "content_filter"]);
      expect(refused.error).toMatchObject(
        name.startsWith("Azure")
          ? {
              type: null,
              status: 400,
              innererror: { code: "ResponsibleAIPolicyViolation", content_filter_result: { violence: { filtered: true } } },
            }
          : { type: "invalid_request_error", content_filters: [{ blocked: true }], innererror: { code: "ContentFiltered" } },
      );
    });

    test("a limit is a 429 that says when to come back", async () => {
      const refused = await refusal(client.chat.completions.create(question("[sandbox: throttle seconds=7]")));
      expect([refused.status, refused.code]).toEqual([429, "429"]);
      expect([refused.headers?.get("retry-after"), refused.headers?.get("retry-after-ms")]).toEqual(["7", "7000"]);
      expect(refused.message).toContain("retry after 7 seconds");
    });

    test("an error in a stream is the client's own error, after the events before it", async () => {
      const chunks: ChatCompletionChunk[] = [];
      const refused = await refusal(
        (async () => {
          const stream = await client.chat.completions.create({ ...question("[sandbox: exception after=2 tokens=5]"), stream: true });
          for await (const chunk of stream) chunks.push(chunk);
        })(),
      );
      expect(refused.type).toBe("server_error");
      expect(said(chunks)).toBe(" the weir");
    });
  });
}

test("the client waits as long as the answer says, and tries again", async () => {
  const patient = new OpenAI({ baseURL: `${sandbox.azure.url}/openai/v1`, apiKey: key, maxRetries: 1 });
  const completion = await patient.chat.completions.create(question("[sandbox: throttle seconds=0.02 times=1] once more"));
  expect(completion.choices[0]?.finish_reason).toBe("stop");
  expect(sandbox.calls.recent.slice(-2).map(({ status }) => status)).toEqual([429, 200]);
});
