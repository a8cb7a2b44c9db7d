/**
 * Coding agents are too large to be development packages, so their requests are here as the real programs sent them through a gateway in sandbox mode
 * (`recorded/`, by program and version): long texts and schemas are cut short, ids are zeros, and what only an answer can give, seals and signatures, is
 * filled in from the answer before.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventsOf } from "../client.ts";
import { type Gateway, startGateway } from "./gateway.ts";

type Json = Record<string, unknown>;

interface Talk {
  about: string;
  path: string;
  headers: Record<string, string>;
  body: Json;
  /** The messages or items of each request, in order. */
  turns: Json[][];
}

interface Turn {
  status: number;
  text: string;
  dropped: string | null;
  events: Json[];
  /** What the stand-in got. */
  sent: Json;
}

const OWN = "(the answer's own)";
const recorded = (name: string) => JSON.parse(readFileSync(join(import.meta.dir, "recorded", `${name}.json`), "utf8")) as Talk[];

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
}, 30_000);
afterAll(() => gateway.stop());

let asked = 0;

/** All requests of a recording, one after the other. */
async function replay({ path, headers, body, turns }: Talk, field: "messages" | "input"): Promise<Turn[]> {
  const done: Turn[] = [];
  const given: Json[] = [];
  for (const turn of turns) {
    const mark = `recorded-${++asked}`;
    const sealed = JSON.stringify({ ...body, [field]: turn, metadata: undefined }, filledIn(given));
    const answer = await fetch(`${gateway.url}${path.replace("{region}", "eu")}`, {
      method: "POST",
      headers: { ...headers, authorization: `Bearer ${gateway.key}` },
      body: sealed.replace("Hello there", `Hello there <${mark}>`).replace("please find", `please find <${mark}>`),
    });
    const text = await answer.text();
    const events = answer.status === 200 ? eventsOf(text).map(({ data }) => JSON.parse(data) as Json) : [];
    given.push(thoughtOf(events));
    const sent = gateway.callsOf(mark).at(-1)?.body as Json;
    done.push({
      status: answer.status,
      text: answer.status === 200 ? "" : text,
      dropped: answer.headers.get("x-weir-dropped"),
      events,
      sent,
    });
  }
  return done;
}

/** The thoughts of an answer as the next request brings them back: of either protocol. */
function thoughtOf(events: readonly Json[]): Json {
  const thought: Json = {};
  for (const { delta, item } of events as { delta?: Json; item?: Json }[]) {
    if (delta?.type === "thinking_delta") thought.thinking = `${thought.thinking ?? ""}${delta.thinking}`;
    if (delta?.type === "signature_delta") thought.signature = delta.signature;
    if (item?.type === "reasoning" && typeof item.encrypted_content === "string") thought.encrypted_content = item.encrypted_content;
  }
  return thought;
}

function filledIn(given: readonly Json[]) {
  let at = 0;
  return (_: string, value: unknown) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    const object = value as Json;
    if (object.signature !== OWN && object.encrypted_content !== OWN) return value;
    return { ...object, ...given[at++] };
  };
}

describe("Claude Code 2.1.332", () => {
  /** What it asks for that the model has not. */
  const DROPPED: Record<string, string> = { "claude-sonnet-5": "messages.role.system", "claude-haiku-4-5": "tools.defer_loading" };

  for (const talk of recorded("claude-code-2.1.332")) {
    const model = String(talk.body.model);
    test(talk.about, async () => {
      for (const { status, text, dropped, events, sent } of await replay(talk, "messages")) {
        expect([status, text]).toEqual([200, ""]);
        expect(dropped).toBe(DROPPED[model] ?? null);
        expect([events[0]?.type, events.at(-1)?.type]).toEqual(["message_start", "message_stop"]);
        // Bedrock fails a request for any flag that it does not know.
        expect(JSON.stringify(sent.anthropic_beta ?? [])).not.toMatch(
          /claude-code|advanced-tool-use|thinking-token-count|per-turn-control/,
        );
      }
    });
  }

  test("what its search of tools has found goes as references, with the flag", async () => {
    const talk = recorded("claude-code-2.1.332").find(({ about }) => about.endsWith("looks for a tool"));
    const [, second] = await replay(talk as Talk, "messages");
    expect(JSON.stringify(second?.sent.messages)).toContain('{"type":"tool_reference","tool_name":"WebFetch"}');
    expect(second?.sent.anthropic_beta).toContain("tool-search-tool-2025-10-19");
  });

  test("an effort by message goes under the flag's name at Bedrock", async () => {
    const talk = recorded("claude-code-2.1.332").find(({ body }) => body.model === "claude-opus-5-5");
    const [first] = await replay(talk as Talk, "messages");
    expect(first?.sent.anthropic_beta).toContain("mid-conversation-output-config-2026-07-01");
    expect(first?.sent.messages).toMatchObject([{ role: "user" }, { role: "system", output_config: { effort: "medium" } }]);
  });
});

describe("Codex 0.171.0", () => {
  for (const talk of recorded("codex-0.171.0")) {
    test(talk.about, async () => {
      for (const { status, text, dropped, events, sent } of await replay(talk, "input")) {
        expect([status, text]).toEqual([200, ""]);
        expect(dropped).toBe("client_metadata");
        expect(events.at(-1)?.type).toBe("response.completed");
        expect(sent).not.toHaveProperty("client_metadata");
        expect([sent.store, sent.include]).toEqual([false, ["reasoning.encrypted_content"]]);
      }
    });
  }
});
