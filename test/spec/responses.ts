/** The Responses API: Azure's own, without anything that Azure would keep. */
import { expect } from "bun:test";
import { eventually } from "../support/waits.ts";
import { eventsOf } from "./client.ts";
import { openai } from "./dialects.ts";
import { ODD_MEMBERS } from "./recorder.ts";
import { expectFailure, expectIds, KEY, type World } from "./world.ts";

const PATH = "/openai/eu/v1/responses";
const SAID = "Grüße, 世界 and 🐈‍⬛ in a sentence of many pieces.";

export function specifyResponses(world: World): void {
  const open = (body: object | string, path = PATH) =>
    world.call({
      path,
      headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const respond = (body: object | string, path = PATH) => open(body, path).answered;
  const asks = (input: string, more: object = {}) => ({ model: "gpt", input, ...more });
  const typesOf = (text: string) => eventsOf(text).map(({ event }) => event);

  world.sentence("a response comes whole, and its usage is in the log", async () => {
    for (const path of [PATH, `/api/public${PATH}`]) {
      const answered = await respond(asks(`[sandbox: echo] ${SAID}`, { instructions: "Say it." }), path);
      expect(answered.status).toBe(200);
      expectIds(answered);
      const answer = JSON.parse(answered.text);
      expect(answer.output[0].content[0].text).toBe(SAID);
      expect(answer).toMatchObject({ object: "response", status: "completed", store: false });
      expect(await world.logged(answered)).toMatchObject({
        outcome: "ok",
        route: "/openai/{region}/v1/responses",
        input_tokens: answer.usage.input_tokens,
        output_tokens: answer.usage.output_tokens,
      });
    }
  });

  world.sentence("a streamed response keeps its events, their names and their order", async () => {
    const answered = await respond(asks(`[sandbox: echo] ${SAID}`, { stream: true }));
    expect(answered.headers.get("content-type")).toStartWith("text/event-stream");
    const events = eventsOf(answered.text).filter(({ event }) => event !== ":");
    for (const { event, data } of events) expect(JSON.parse(data).type).toBe(event);
    expect(events.map(({ data }) => JSON.parse(data).sequence_number)).toEqual(events.map((_, index) => index));
    const deltas = events.filter(({ event }) => event === "response.output_text.delta");
    expect(deltas.map(({ data }) => JSON.parse(data).delta).join("")).toBe(SAID);
    expect(deltas.length).toBeGreaterThan(5);
    const last = events.at(-1);
    expect(last?.event).toBe("response.completed");
    const { usage } = JSON.parse(last?.data ?? "{}").response;
    expect(await world.logged(answered)).toMatchObject({
      outcome: "ok",
      stream: true,
      input_tokens: usage.input_tokens,
      output_tokens: usage.output_tokens,
    });
  });

  world.sentence("an answer that reaches max_output_tokens ends as incomplete, and is settled", async () => {
    const answered = await respond(asks("[sandbox: tokens=100]", { stream: true, max_output_tokens: 16 }));
    expect(typesOf(answered.text).at(-1)).toBe("response.incomplete");
    expect(await world.logged(answered)).toMatchObject({ outcome: "ok", output_tokens: 16 });
  });

  world.sentence("a tool is called by a function_call item, and its output given back", async () => {
    const tools = [{ type: "function", name: "look", parameters: { type: "object", properties: { city: { type: "string" } } } }];
    const question = { role: "user", content: "What is it like in Lisbon?" };
    const first = JSON.parse((await respond({ model: "gpt", input: [question], tools })).text);
    const call = first.output[0];
    expect(call).toMatchObject({ type: "function_call", name: "look" });
    const output = { type: "function_call_output", call_id: call.call_id, output: "warm and windy" };
    const second = JSON.parse((await respond({ model: "gpt", input: [question, call, output], tools })).text);
    expect(second.output[0].content[0].text).toContain("warm and windy");
  });

  world.sentence("the request goes on byte for byte, but for the deployment's name and `store: false`", async () => {
    for (const [model, store] of [
      ["gpt-recorded", "false"],
      ["gpt-storing", "true"],
    ]) {
      await respond(`{ "model":"${model}" , "input":"é 😀", "store" : true, ${ODD_MEMBERS} }`);
      const { path, body } = world.recorder.last();
      expect(path).toBe("/openai/v1/responses");
      const deployment = model === "gpt-storing" ? "gpt-4o-eu" : "gpt-4o-recorded";
      expect(body).toBe(`{ "model":"${deployment}" , "input":"é 😀", "store" : ${store}, ${ODD_MEMBERS} }`);
    }
  });

  world.sentence("what needs a stored answer is a 400 that says what to do instead, unless the operator allows it", async () => {
    const rows: [object, string, RegExp][] = [
      [{ previous_response_id: "resp_1" }, "previous_response_id", /whole conversation/],
      [{ conversation: "conv_1" }, "conversation", /whole conversation/],
      [{ background: true }, "background", /stream/],
      [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input[0].type", /store = false/],
      [{ prompt: { id: "pmpt_1" } }, "prompt", /instructions/],
    ];
    for (const [more, param, advice] of rows) {
      const told = expectFailure(openai, await respond(asks("hi", more)), "invalid");
      expect(told).toMatchObject({ param, message: expect.stringMatching(advice) });
      // An id that Weir has not given belongs to no workspace.
      const isAllowed = param !== "previous_response_id";
      const allowed = await respond({ ...asks("hi", more), model: "gpt-storing" });
      expect([param, allowed.status]).toEqual([param, isAllowed ? 200 : 400]);
      if (isAllowed) expect(JSON.parse(world.recorder.last().body)).toMatchObject(more);
    }
    const { id } = JSON.parse((await respond({ ...asks("hi"), model: "gpt-storing" })).text);
    expect((await respond({ ...asks("hi", { previous_response_id: id }), model: "gpt-storing" })).status).toBe(200);
    expect(JSON.parse(world.recorder.last().body).previous_response_id).toBe(id.slice(0, -33));
    expect((await respond(asks("hi", { previous_response_id: null, background: false }))).status).toBe(200);
    expect((await respond(asks('a text with {"type":"item_reference"} in it'))).status).toBe(200);
  });

  world.sentence("on a dated api a 400 says that v1 is needed", async () => {
    const told = expectFailure(openai, await respond({ ...asks("hi"), model: "gpt-dated" }), "invalid");
    expect(told.message).toMatch(/v1/);
  });

  world.sentence("a mistake in the request is a 400 that names the field", async () => {
    const rows: [object, string][] = [
      [{ input: 5 }, "input"],
      [{ input: [{ role: "robot", content: "hi" }] }, "input[0].role"],
      [{ input: [{ type: "function_call_output", output: "x" }] }, "input[0].call_id"],
      [{ stream: "yes" }, "stream"],
      [{ max_output_tokens: 0 }, "max_output_tokens"],
      [{ temperature: 9 }, "temperature"],
      [{ instructions: 1 }, "instructions"],
      [{ tools: {} }, "tools"],
      [{ tools: [{ type: "function" }] }, "tools[0].name"],
      [{ metadata: "x" }, "metadata"],
      [{ text: { format: { type: "json_schema", schema: {} } } }, "text.format.name"],
    ];
    for (const [more, param] of rows) {
      const { param: told } = expectFailure(openai, await respond({ ...asks("hi"), ...more }), "invalid");
      expect({ more, told }).toEqual({ more, told: param });
    }
  });

  world.sentence("failures before the first byte are answered with their status", async () => {
    expectFailure(openai, await respond(asks("[sandbox: throttle]", { stream: true })), "rate_limited");
    expectFailure(openai, await respond(asks("[sandbox: status=500]")), "failed");
    expectFailure(openai, await respond(asks("[sandbox: too-long]")), "invalid");
    expectFailure(openai, await respond({ ...asks("hi"), model: "gpt-misconfigured" }), "misconfigured");
    expectFailure(openai, await respond({ ...asks("hi"), model: "nobody" }), "not_found_model");
  });

  for (const breakage of ["exception", "cut", "truncate", "corrupt"]) {
    world.sentence(`a stream that breaks (${breakage}) ends with an error event of its protocol`, async () => {
      const answered = await respond(asks(`[sandbox: ${breakage} after=5][sandbox: echo] ${SAID}`, { stream: true }));
      const last = eventsOf(answered.text).at(-1);
      expect(last?.event).toBe("error");
      expect(JSON.parse(last?.data ?? "{}")).toMatchObject({
        type: "error",
        message: expect.stringMatching(/./),
        error: { message: expect.stringMatching(/./), type: expect.any(String) },
      });
      expect(typesOf(answered.text)).not.toContain("response.completed");
      const line = await world.logged(answered);
      expect(String(line.outcome)).toStartWith("upstream_");
      expect(Number(line.output_tokens)).toBeGreaterThan(0);
    });
  }

  world.sentence("a client that leaves in the middle ends the upstream's call", async () => {
    const { calls } = world.sandbox;
    const before = calls.counts.aborted;
    const call = open(asks("[sandbox: tokens=500 pace=20]", { stream: true }));
    await call.until((text) => text.includes("response.output_text.delta"));
    call.leave();
    await eventually(() => calls.counts.aborted > before, "the upstream's call ended");
  });
}
