/** Answers that Azure keeps (`allow_store`), by the SDK of OpenAI: asked for again, continued and ended by the workspace that made them alone. */
import { describe, expect } from "bun:test";
import OpenAI from "openai";
import { eventually } from "../../support/waits.ts";
import { eventsOf } from "../client.ts";
import { type FidelityWorld, type Json, KEY, RIVAL_KEY } from "./world.ts";

const RESPONSES = "/openai/eu/v1/responses";

export function specifyKept(world: FidelityWorld): void {
  const client = (apiKey = KEY, region = "eu") => new OpenAI({ baseURL: `${world.weir.url}/openai/${region}/v1`, apiKey, maxRetries: 0 });
  const refusalOf = async (asked: Promise<unknown>) =>
    await asked.then(
      () => ({ status: 200, message: "", code: null as unknown, param: null as unknown }),
      (thrown: { status: number; message: string; code: unknown; param: unknown }) => thrown,
    );
  /** Method and path of what the stand-ins were asked about this answer, by their own ids. */
  const askedOf = (id: string) => {
    const own = id.replace(/w[0-9a-f]{32}$/, "");
    const seen = (calls: readonly { method: string; path: string }[]) =>
      calls.filter(({ path }) => path.includes(own)).map(({ method, path }) => `${method} ${path.replace(own, "ID")}`);
    return { here: seen(world.sandbox.calls.recent), there: seen(world.other.calls.recent) };
  };
  const tokens = async (workspace: string, model: string) => {
    const answer = await fetch(`${world.weir.adminUrl}/admin/v1/workspaces/${workspace}/usage?limit=1000`, {
      headers: { authorization: `Bearer ${world.adminToken}` },
    });
    const { data } = (await answer.json()) as { data: { model: string; tokens: Json; requests: Json; days: Json[] }[] };
    const found = data.find((entry) => entry.model === model);
    return { tokens: found?.tokens as { used: number; reserved: number }, day: found?.days[0] };
  };

  describe("an answer that is kept", () => {
    world.sentence("is given again, listed by its input, and deleted (litellm#10359, #11308)", async () => {
      const { responses } = client();
      const made = await responses.create({ model: "kept", input: "Hello", instructions: "Be brief." });
      expect(made.id).toMatch(/^resp_[a-z0-9]+w[0-9a-f]{32}$/);
      const again = await responses.retrieve(made.id);
      expect(again.id).toBe(made.id);
      expect(again.output).toEqual(made.output);
      const items = await responses.inputItems.list(made.id, { limit: 5, order: "asc" });
      expect(items.data.map((item) => (item as { role?: string }).role)).toEqual(["user"]);
      await responses.delete(made.id);
      expect(await refusalOf(responses.retrieve(made.id))).toMatchObject({ status: 404 });
      expect(askedOf(made.id).here).toEqual([
        "GET /openai/v1/responses/ID",
        "GET /openai/v1/responses/ID/input_items?limit=5&order=asc",
        "DELETE /openai/v1/responses/ID",
        "GET /openai/v1/responses/ID",
      ]);
    });

    world.sentence("has one id, whole and in every event of its stream, and streams again from where the client left", async () => {
      const { responses } = client();
      const ids = new Set<string>();
      const numbers: number[] = [];
      const events = await responses.create({ model: "kept", input: "Hello", stream: true, background: true });
      for await (const event of events) {
        if ("response" in event) ids.add(event.response.id);
        numbers.push(event.sequence_number);
      }
      expect(ids.size).toBe(1);
      const [id = ""] = ids;
      expect((await responses.retrieve(id)).id).toBe(id);
      const later: number[] = [];
      const again = new Set<string>();
      for await (const event of await responses.retrieve(id, { stream: true, starting_after: 3 })) {
        if ("response" in event) again.add(event.response.id);
        later.push(event.sequence_number);
      }
      expect(later).toEqual(numbers.slice(4));
      expect([...again]).toEqual([id]);
    });

    world.sentence("is continued at the resource that has it, whole and streamed, with tools, over six turns", async () => {
      const { responses } = client();
      const tools = [{ type: "function" as const, name: "look", parameters: { type: "object", properties: {} }, strict: false }];
      const made = await Promise.all(
        Array.from({ length: 8 }, async (_, nth) => {
          let last = await responses.create({ model: "kept-two", input: `Conversation ${nth}`, tools });
          const first = last.id;
          for (let turn = 1; turn < 6; turn++) {
            const calls = last.output.filter((item) => item.type === "function_call");
            const input = [
              ...calls.map(({ call_id }) => ({ type: "function_call_output" as const, call_id, output: "Fog." })),
              { role: "user" as const, content: `Go on ${turn}` },
            ];
            const previous = last.id;
            const body = { model: "kept-two", input, tools, previous_response_id: previous };
            if (turn % 2 === 0) last = await responses.create(body);
            else
              for await (const event of await responses.create({ ...body, stream: true })) if ("response" in event) last = event.response;
            expect(last.previous_response_id).toBe(previous);
          }
          await responses.retrieve(first);
          return first;
        }),
      );
      const places = made.map(askedOf);
      for (const { here, there } of places) expect([here.length, there.length].sort()).toEqual([0, 1]);
      // The router has chosen both.
      expect(new Set(places.map(({ here }) => here.length)).size).toBe(2);
    });

    world.sentence("cannot be had from another workspace, from another region or by a made-up id: each is the same 404", async () => {
      const { id } = await client().responses.create({ model: "kept", input: "Hello" });
      const own = id.slice(0, -33);
      const asks: [string, OpenAI, string][] = [
        ["another workspace", client(RIVAL_KEY), id],
        ["another region", client(KEY, "us"), id],
        ["the resource's own id", client(), own],
        ["another seal", client(), `${own}w${"0".repeat(32)}`],
        ["another answer's seal", client(), `${own.slice(0, -1)}z${id.slice(-33)}`],
        ["another model's seal", client(), `${own}w00000000${id.slice(-24)}`],
        ["no id", client(), "compact"],
        ["an id with a path in it", client(), `../../chat/completions?${id}`],
      ];
      for (const [what, { responses }, asked] of asks) {
        for (const asking of [
          () => responses.retrieve(asked),
          () => responses.delete(asked),
          () => responses.cancel(asked),
          () => responses.inputItems.list(asked).then((page) => page.data),
        ]) {
          const refusal = await refusalOf(asking());
          expect([what, refusal.status, refusal.message]).toEqual([what, 404, expect.stringContaining("not found")]);
        }
      }
      expect(askedOf(id)).toEqual({ here: [], there: [] });
      const body = { model: "kept", input: "Go on", previous_response_id: id };
      const continued = await refusalOf(client(RIVAL_KEY).responses.create(body));
      expect(continued).toMatchObject({ status: 400, param: "previous_response_id", code: "previous_response_not_found" });
      // A large body is looked into by a worker.
      const large = { ...body, input: "word ".repeat(40_000) };
      expect(await refusalOf(client(RIVAL_KEY).responses.create(large))).toMatchObject({
        status: 400,
        code: "previous_response_not_found",
      });
      expect((await client().responses.create(large)).previous_response_id).toBe(id);
    });

    world.sentence("takes a request of the window of counts, and neither a token nor a request of the other one", async () => {
      const { responses } = client();
      const { id } = await responses.create({ model: "kept-counted", input: "Hello" });
      const before = await tokens("acme", "kept-counted");
      const { response } = await responses.retrieve(id).withResponse();
      expect(response.headers.get("x-ratelimit-limit-requests")).toBe("3");
      expect(response.headers.get("x-ratelimit-limit-tokens")).toBeNull();
      await responses.retrieve(id);
      await responses.inputItems.list(id);
      const refused = await refusalOf(responses.retrieve(id));
      expect(refused.status).toBe(429);
      expect((await tokens("acme", "kept-counted")).tokens).toEqual(before.tokens);
      // The others go on.
      expect((await responses.create({ model: "kept-counted", input: "Go on", previous_response_id: id })).status).toBe("completed");
    });

    world.sentence("can be asked for without its model, as long as its resource is there", async () => {
      const { id } = await client().responses.create({ model: "kept-alias", input: "Hello" });
      expect((await client().responses.retrieve(id)).id).toBe(id);
      expect(askedOf(id).here).toHaveLength(1);
    });
  });

  describe("an answer that is made in the background", () => {
    world.sentence("is asked for until it has ended, and settled by what it has used, whether its client asks or not", async () => {
      const { responses } = client();
      const before = await tokens("acme", "kept-background");
      const made = await responses.create({ model: "kept-background", input: "[sandbox: tokens=60 pace=20]", background: true });
      expect(made.status).toBe("queued");
      const during = await tokens("acme", "kept-background");
      expect(during.tokens.reserved).toBeGreaterThan(0);
      let now = made;
      await eventually(async () => {
        now = await responses.retrieve(made.id);
        return now.status !== "queued" && now.status !== "in_progress";
      }, "the answer has ended");
      expect(now.status).toBe("completed");
      const { input_tokens, output_tokens } = now.usage ?? { input_tokens: 0, output_tokens: 0 };
      expect(output_tokens).toBeGreaterThan(59);
      await eventually(async () => {
        const after = await tokens("acme", "kept-background");
        return after.tokens.reserved === 0 && after.tokens.used === (before.tokens.used ?? 0) + input_tokens + output_tokens;
      }, "it is settled");
      const after = await tokens("acme", "kept-background");
      expect(after.day).toMatchObject({ requests: 1, output_tokens, input_tokens });
      const line = await world.weir.logged(
        ({ message, model }) => message === "an answer has ended after its call" && model === "kept-background",
      );
      expect(line).toMatchObject({ workspace: "acme", output_tokens, input_tokens });
    });

    world.sentence("goes on when its client leaves the stream, and is settled all the same", async () => {
      const { responses } = client();
      const before = await tokens("acme", "kept-left");
      let id = "";
      for await (const event of await responses.create({
        model: "kept-left",
        input: "[sandbox: tokens=80 pace=15]",
        background: true,
        stream: true,
      })) {
        if ("response" in event) id = event.response.id;
        if (event.type === "response.output_text.delta") break;
      }
      const whole = async () => (await responses.retrieve(id)).usage;
      await eventually(async () => (await whole()) != null, "the answer has ended");
      const { input_tokens, output_tokens } = (await whole()) ?? { input_tokens: 0, output_tokens: 0 };
      await eventually(
        async () => (await tokens("acme", "kept-left")).tokens.used === before.tokens.used + input_tokens + output_tokens,
        "it is settled",
      );
    });

    world.sentence("is cancelled; what was reserved for it stays, since what it has used is not known", async () => {
      const { responses } = client();
      const made = await responses.create({ model: "kept-cancelled", input: "[sandbox: tokens=500 pace=100]", background: true });
      const { tokens: reserved } = await tokens("acme", "kept-cancelled");
      expect(reserved.reserved).toBeGreaterThan(200);
      const cancelled = await responses.cancel(made.id);
      expect([cancelled.id, cancelled.status]).toEqual([made.id, "cancelled"]);
      await eventually(async () => (await tokens("acme", "kept-cancelled")).tokens.reserved === 0, "it is settled");
      expect((await tokens("acme", "kept-cancelled")).tokens.used).toBe(reserved.used);
      const plain = await responses.create({ model: "kept", input: "Hello" });
      expect(await refusalOf(responses.cancel(plain.id))).toMatchObject({ status: 400 });
    });

    world.sentence("that is deleted before it has ended costs what was reserved for it", async () => {
      const { responses } = client();
      const made = await responses.create({ model: "kept-deleted", input: "[sandbox: tokens=500 pace=100]", background: true });
      const { tokens: reserved } = await tokens("acme", "kept-deleted");
      await responses.delete(made.id);
      await eventually(async () => (await tokens("acme", "kept-deleted")).tokens.reserved === 0, "it is settled");
      expect((await tokens("acme", "kept-deleted")).tokens.used).toBe(reserved.used);
    });

    world.sentence("that fails is shown as failed to a client that asks, and the question itself is answered with 200", async () => {
      const { responses } = client();
      const made = await responses.create({ model: "kept", input: "[sandbox: exception type=server_error]", background: true });
      const answer = await world.ask(`${RESPONSES}/${made.id}`);
      expect([answer.status, answer.json.status, (answer.json.error as Json).code]).toEqual([200, "failed", "server_error"]);
      expect((await world.weir.logged(({ request_id }) => request_id === answer.headers.get("request-id"))).outcome).toBe("ok");
    });
  });

  describe("where nothing is kept", () => {
    world.sentence("a client that asks for an answer reads that nothing is stored", async () => {
      for (const [method, path] of [
        ["GET", "resp_1"],
        ["DELETE", "resp_1"],
        ["POST", "resp_1/cancel"],
        ["GET", "resp_1/input_items"],
      ] as const) {
        const answer = await world.ask(`/openai/us/v1/responses/${path}`, { method });
        expect([method, answer.status, (answer.json.error as Json).message]).toEqual([
          method,
          404,
          expect.stringContaining("Nothing is stored here"),
        ]);
      }
    });

    world.sentence("ids stay as Azure gave them", async () => {
      const answer = await world.responses({ model: "gpt-5-mini", input: "Hello" });
      expect(String(answer.json.id)).toMatch(/^resp_[a-z0-9]{24}$/);
    });

    world.sentence("a method that a path has not names those that it has", async () => {
      const answer = await world.ask(`${RESPONSES}/resp_1`, { method: "PUT" });
      expect([answer.status, (answer.json.error as Json).message]).toEqual([405, expect.stringContaining("GET or DELETE")]);
    });
  });

  world.sentence("an answer that fails within a 200 reaches the client whole, and its call counts as failed", async () => {
    const answer = await world.responses({ model: "failing", input: "Hello" });
    expect([answer.status, answer.json.status]).toEqual([200, "failed"]);
    const line = await world.weir.logged(({ request_id }) => request_id === answer.headers.get("request-id"));
    expect([line.outcome, line.output_tokens]).toEqual(["upstream_rate_limited", 0]);
  });

  world.sentence(
    "the client sees response.failed and the error after it, and the call counts as failed by that reason (bifrost#6419)",
    async () => {
      const answer = await world.responses({ model: "failing", input: "Hello", stream: true });
      expect(eventsOf(answer.text).map(({ event }) => event)).toEqual(["response.created", "response.failed", "error"]);
      const line = await world.weir.logged(({ request_id }) => request_id === answer.headers.get("request-id"));
      expect(line.outcome).toBe("upstream_rate_limited");
    },
  );
}
