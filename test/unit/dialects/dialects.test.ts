import { describe, expect, test } from "bun:test";
import { decodeUtf8, encodeUtf8 } from "../../../src/contract/bytes.ts";
import type { DialectName } from "../../../src/contract/dialect.ts";
import { ERROR_KINDS, GatewayError, STATUS } from "../../../src/contract/errors.ts";
import { MOST_PIECES } from "../../../src/dialects/body.ts";
import { checks } from "../../../src/dialects/checks.ts";
import { dialects } from "../../../src/dialects/index.ts";
import { findMistake } from "../../../src/dialects/mistake.ts";
import { cpuMsOf } from "../../support/clock.ts";
import { refusalOf } from "./refused.ts";

const all = Object.values(dialects);
const good = '"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]';

function check(name: DialectName, body: string) {
  return checks[name](body, dialects[name].hints(new Headers(), false), "generate");
}

const refusalBy = (name: DialectName, body: string) => refusalOf(() => check(name, body));

describe.each(all.map((dialect) => dialect.name))("%s: a hostile body", (name) => {
  test.each([
    ["", "invalid JSON: the body is empty"],
    [" \n", "invalid JSON: the body is empty"],
    ["secret words", "invalid JSON: expected a value at line 1, column 1"],
    ['{"a":1,}', "invalid JSON: expected a name in double quotes at line 1, column 8"],
    ["{'a':1}", "invalid JSON: expected a name in double quotes or } at line 1, column 2"],
    ['{"a"\n 1}', "invalid JSON: expected a colon at line 2, column 2"],
    ['{"a":[1 2]}', "invalid JSON: expected a comma or ] at line 1, column 9"],
    ['{"a":[}', "invalid JSON: expected a value or ] at line 1, column 7"],
    ['{"a":01}', "invalid JSON: expected a comma or } at line 1, column 7"],
    ['{"a":{"b":[', "invalid JSON: the body ends in the middle"],
    ['{"a":"secret', "invalid JSON: the string that begins at line 1, column 6 does not end"],
    ['{"a":"sec\nret"}', "invalid JSON: an unescaped control character in a string at line 1, column 10"],
    ['{"a":"\\x"}', "invalid JSON: an unknown escape in a string at line 1, column 8"],
    ['{"a":1} {}', "invalid JSON: expected the end of the body at line 1, column 9"],
    [encodeUtf8("\ufeff{}"), "invalid JSON: the body begins with a byte order mark"],
    ["[]", "The request body must be a JSON object."],
    ["null", "The request body must be a JSON object."],
    ['"secret"', "The request body must be a JSON object."],
  ])("%j is refused: %s", (body, message) => {
    const error = refusalBy(name, body);
    expect(error.kind).toBe("invalid_request");
    expect(error.detail.message).toBe(message);
  });

  test.each([
    ["model", `{${good},"model":"other"}`],
    ["model", `{${good},"mod\\u0065l":"other"}`],
    ["stream", `{"stream":true,${good},"stream":false}`],
    ["messages", `{${good},"messages":[]}`],
  ])("%s twice at the top level is refused by name", (field, body) => {
    const error = refusalBy(name, body);
    expect(error.kind).toBe("invalid_request");
    expect(error.detail.param).toBe(field);
    expect(error.detail.message).toBe(`${field}: appears twice in the request body`);
  });

  test("a member that Weir does not know may be there twice, and so may any member below the top level", () => {
    expect(check(name, `{${good},"x":1,"x":2,"y":{"model":1,"model":2}}`).model).toBe("m");
  });

  test("nesting 100,000 deep is refused or passes, but never breaks anything", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(check(name, `{${good},"x":${deep}}`).model).toBe("m");
    expect(refusalBy(name, `{"model":${deep}}`).kind).toBe("invalid_request");
    expect(refusalBy(name, "[".repeat(100_000)).detail.message).toBe("invalid JSON: the body ends in the middle");
    expect(refusalBy(name, '{"a":'.repeat(100_000)).detail.message).toBe("invalid JSON: the body ends in the middle");
  });

  test("long strings, keys and numbers are refused or pass in short time, and come back cut", () => {
    const long = "x".repeat(1_000_000);
    const bodies = [
      `{"model":"m","max_tokens":5,"messages":[{"role":"${long}","content":"x"}]}`,
      `{"model":"${long}",${good.slice(good.indexOf('"max'))}}`,
      `{${good},"stream":"${long}"}`,
      `{${good},"max_tokens":${"9".repeat(100_000)}`,
      `{${good},"logit_bias":{"${long}":"x"},"metadata":[],"stop_sequences":{"${long}":1}}`,
      `${"\n".repeat(2_000_000)}x`,
      long,
    ];
    const tookMs = cpuMsOf(() => {
      expect(check(name, `{${good},"${long}":"${long}"}`).model).toBe("m");
      for (const body of bodies) expect(refusalBy(name, body).detail.message.length).toBeLessThan(400);
    });
    expect(tookMs).toBeLessThan(1500);
  });

  test("a mistake after the first MiB is not searched for", () => {
    const body = `{"a":[${'"12345",'.repeat(200_000)}`;
    expect(refusalBy(name, body).detail.message).toBe("invalid JSON: the mistake is after the first MiB");
  });

  test.each([
    ["objects", "{},", 2],
    ["lists", "[],", 2],
    ["numbers", "1,", 1],
    ["members", '"a":0,', 2],
  ])("a body of nothing but %s is refused before it is parsed, at its last piece too many", (_kind, unit, pieces) => {
    const refused = unit.repeat(MOST_PIECES / pieces + 1).slice(0, -1);
    const body = unit.includes(":") ? `{${refused}}` : `{"messages":[${refused}]}`;
    const error = refusalBy(name, body);
    expect(error.kind).toBe("invalid_request");
    expect(error.detail.message).toMatch(/^The request body has more than 500000 names and values in it/);
    const fewer = unit.repeat(MOST_PIECES / pieces - 5).slice(0, -1);
    expect(refusalBy(name, unit.includes(":") ? `{${fewer}}` : `{"messages":[${fewer}]}`).detail.message).not.toContain("names and values");
  });

  test("punctuation inside a prompt is not counted as pieces", () => {
    const prompt = JSON.stringify(`${'{"a":[1,2]},\\"'.repeat(200_000)}`);
    expect(check(name, `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":${prompt}}]}`).model).toBe("m");
  });

  test("a mistake at the end of a long conversation costs little more to find than a good body costs to check", () => {
    const turns = Array.from({ length: 600 }, (_, at) => ({
      role: at % 2 === 0 ? "user" : "assistant",
      content: [{ type: "text", text: "weir ".repeat(6) }],
    }));
    const bodyOf = (...more: object[]) => JSON.stringify({ model: "m", max_tokens: 5, messages: [...turns, ...more] });
    const right = bodyOf();
    const wrong = bodyOf({ role: "user", content: [{ type: "text", text: 5 }] });
    const fastestMs = (work: () => unknown) => {
      let fastest = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 40; round++) {
        const startedMs = performance.now();
        work();
        fastest = Math.min(fastest, performance.now() - startedMs);
      }
      return fastest;
    };
    expect(refusalBy(name, wrong).detail.message).toMatch(/600\]?\.content.*text: must be a string, not 5/);
    expect(fastestMs(() => refusalBy(name, wrong))).toBeLessThan(4 * fastestMs(() => check(name, right)));
  });

  test.each([
    ["objects", "{},"],
    ["numbers", "1,"],
    ["short strings", '"a",'],
    ["escapes", String.raw`"\"\"\"\"\"\"\"\"",`],
    ["a longer conversation", '{"role":"user","content":"Where is the weir?"},'],
  ])("a body of %s that breaks off costs little more to refuse than to parse when it is whole", (_kind, unit) => {
    const broken = `{"model":"m","max_tokens":5,"messages":[${unit.repeat(60_000 / unit.length)}`;
    const whole = `${broken}{}]}`;
    const fastestMs = (work: () => unknown) => {
      let fastest = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 30; round++) {
        const startedMs = performance.now();
        work();
        fastest = Math.min(fastest, performance.now() - startedMs);
      }
      return fastest;
    };
    expect(refusalBy(name, broken).detail.message).toBe("invalid JSON: the body ends in the middle");
    // The walk alone took up to 5 ms.
    expect(fastestMs(() => refusalBy(name, broken))).toBeLessThan(1 + 5 * fastestMs(() => JSON.parse(whole)));
  });

  test("keys that name parts of a JavaScript object are only keys", () => {
    expect(refusalBy(name, `{"__proto__":{${good}}}`).detail.param).toBe("model");
    expect(refusalBy(name, '{"model":"m","max_tokens":5,"messages":[{"__proto__":{"role":"user"},"content":"x"}]}').detail.param).toMatch(
      /role$/,
    );
    expect(check(name, `{${good},"__proto__":{"stream":true},"constructor":1,"toString":null}`).stream).toBe(false);
  });

  test("noise is refused by a GatewayError and nothing else", () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 4294967296) * below);
    };
    const alphabet = '{}[]",:\\ 0-1.eE+tfnurals\n\u00e9"';
    const valid = `{${good},"x":[1,{"y":"\\u00e9\\n"},-1.5e3,true,null]}`;
    for (let round = 0; round < 5000; round++) {
      const at = random(valid.length);
      const body = valid.slice(0, at) + alphabet[random(alphabet.length)] + valid.slice(at + random(3));
      let parses = true;
      try {
        JSON.parse(body);
      } catch {
        parses = false;
      }
      expect({ body, wrong: findMistake(body) !== "it is nested too deeply" }).toEqual({ body, wrong: !parses });
      try {
        check(name, body);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(GatewayError);
      }
    }
  });
});

describe("errors", () => {
  test.each(ERROR_KINDS)("%s has the shape of each dialect, in an answer and in an event", (kind) => {
    const error = new GatewayError(kind, { message: "Größe 😀 \n stimmt nicht", param: "messages.0" });
    const anthropic = decodeUtf8(dialects.anthropic.errorBody(error, "req_1"));
    const type = dialects.anthropic.errorNames[kind].type;
    expect(JSON.parse(anthropic)).toEqual({ type: "error", error: { type, message: error.detail.message }, request_id: "req_1" });
    expect(decodeUtf8(dialects.anthropic.errorEvent(error, "req_1", "generate"))).toBe(`event: error\ndata: ${anthropic}\n\n`);

    const openai = decodeUtf8(dialects.openai.errorBody(error, "req_1"));
    const name = dialects.openai.errorNames[kind];
    expect(JSON.parse(openai)).toEqual({
      error: { message: error.detail.message, type: name.type, param: "messages.0", code: name.code ?? null },
    });
    expect(decodeUtf8(dialects.openai.errorEvent(error, "req_1", "generate"))).toBe(`data: ${openai}\n\n`);
  });

  test("each Anthropic type goes with the status that its documentation gives", () => {
    const documented: Record<string, number[]> = {
      invalid_request_error: [400, 405, 408],
      authentication_error: [401],
      not_found_error: [404],
      request_too_large: [413],
      rate_limit_error: [429],
      api_error: [499, 500, 502, 503],
      timeout_error: [504],
      overloaded_error: [503, 529],
    };
    for (const kind of ERROR_KINDS) {
      const { type, status } = dialects.anthropic.errorNames[kind];
      expect({ kind, ok: documented[type]?.includes(status ?? STATUS[kind]) }).toEqual({ kind, ok: true });
    }
    expect(dialects.anthropic.errorNames.upstream_overloaded.status).toBe(529);
  });

  test("an upstream's error object is shown as it is, with its missing fields filled in", () => {
    const error = new GatewayError("upstream_rejected", {
      message: "m",
      body: '{"code":"429","message":"Slow\\u00e9","innererror":{"id":9007199254740993}}',
    });
    expect(dialects.openai.errorBody(error, "r")).toBe(
      '{"error":{"code":"429","message":"Slow\\u00e9","innererror":{"id":9007199254740993},"type":"invalid_request_error","param":null}}',
    );
    expect(dialects.anthropic.errorBody(error, "r")).toBe(
      '{"type":"error","error":{"code":"429","message":"Slow\\u00e9","innererror":{"id":9007199254740993},"type":"invalid_request_error"},"request_id":"r"}',
    );
  });

  test("line breaks in an upstream's error object do not end an event early", () => {
    const error = new GatewayError("upstream_failed", { message: "m", body: '\r\n{\n  "message": "a\\nb",\r\n  "type": "t"\n}\n' });
    for (const dialect of all) {
      const event = dialect.errorEvent(error, "r", "generate");
      expect(event.endsWith("\n\n")).toBe(true);
      const data = event.slice(event.indexOf("data: ") + 6, -2);
      expect(data).not.toMatch(/[\r\n]/);
      if (dialect !== dialects.unified) expect(JSON.parse(data).error).toMatchObject({ message: "a\nb", type: "t" });
    }
  });

  test.each(["", "oops", "[1]", '"text"', '{"a":', "null"])("an upstream's error that is no object (%j) is replaced by our own", (body) => {
    const error = new GatewayError("upstream_failed", { message: "m", body });
    for (const dialect of [dialects.anthropic, dialects.openai]) expect(JSON.parse(dialect.errorBody(error, "r")).error.message).toBe("m");
  });

  test("of the unified route have their status twice, as status and as code", () => {
    const error = new GatewayError("upstream_overloaded", { message: "Später" });
    const body = dialects.unified.errorBody(error, "r");
    expect(JSON.parse(decodeUtf8(body))).toEqual({ success: false, code: "503", message: "Später", data: null });
    expect(dialects.unified.errorEvent(error, "r", "generate")).toBe(`data: ${body}\n\n`);
    const truer = new GatewayError("upstream_rejected", { message: "m", status: 422 });
    expect(JSON.parse(dialects.unified.errorBody(truer, "r")).code).toBe("422");
  });

  test("a type and a code of the upstream win over the kind's", () => {
    const error = new GatewayError("upstream_rejected", { message: "m", type: "requests", code: "context_length_exceeded" });
    expect(JSON.parse(dialects.openai.errorBody(error, "r")).error).toEqual({
      message: "m",
      type: "requests",
      param: null,
      code: "context_length_exceeded",
    });
    expect(JSON.parse(dialects.anthropic.errorBody(error, "r")).error.type).toBe("requests");
  });
});

describe("models", () => {
  const entries = [
    { id: "b-2", created: 1709769600 },
    { id: "modèle", created: 0 },
  ];

  test("are listed in the Anthropic shape", () => {
    const first = { type: "model", id: "b-2", display_name: "b-2", created_at: "2024-03-07T00:00:00Z" };
    const second = { type: "model", id: "modèle", display_name: "modèle", created_at: "1970-01-01T00:00:00Z" };
    expect(JSON.parse(decodeUtf8(dialects.anthropic.models(entries, new URLSearchParams())))).toEqual({
      data: [first, second],
      has_more: false,
      first_id: "b-2",
      last_id: "modèle",
    });
    expect(JSON.parse(dialects.anthropic.models([], new URLSearchParams()))).toEqual({
      data: [],
      has_more: false,
      first_id: null,
      last_id: null,
    });
    expect(JSON.parse(dialects.anthropic.model({ id: "b-2", created: 1709769600 }))).toEqual(first);
  });

  test("are listed in the OpenAI shape", () => {
    const first = { id: "b-2", object: "model", created: 1709769600, owned_by: "weir" };
    expect(JSON.parse(decodeUtf8(dialects.openai.models(entries, new URLSearchParams())))).toEqual({
      object: "list",
      data: [first, { ...first, id: "modèle", created: 0 }],
      models: [],
    });
    expect(JSON.parse(dialects.openai.model({ id: "b-2", created: 1709769600 }))).toEqual(first);
  });
});

test("the text for a silent stream is a whole event or a comment", () => {
  expect(dialects.anthropic.keepAlive).toBe('event: ping\ndata: {"type": "ping"}\n\n');
  expect(dialects.openai.keepAlive).toBe(": ping\n\n");
});

describe("a path that no route has", () => {
  const owner = (path: string) => all.find((dialect) => dialect.owns(path));

  test.each([
    ["/anthropic/eu/v1/v1/messages", "anthropic", "/v1 is there more than once: did you mean /anthropic/eu/v1/messages?"],
    ["/anthropic/v1/messages", "anthropic", "The region is missing: did you mean /anthropic/{region}/v1/messages?"],
    ["/anthropic/eu/messages", "anthropic", "/v1 is missing: did you mean /anthropic/eu/v1/messages?"],
    ["/anthropic/messages", "anthropic", "The region is missing, /v1 is missing: did you mean /anthropic/{region}/v1/messages?"],
    ["/anthropic/eu/models/m", "anthropic", "/v1 is missing: did you mean /anthropic/eu/v1/models/m?"],
    ["/api/anthropic/messages", "anthropic", "/v1 is missing: did you mean /api/anthropic/v1/messages?"],
    ["/api/v1/v1/messages", "unified", "/v1 is there more than once: did you mean /api/v1/messages?"],
    ["/api/messages", "unified", "/v1 is missing: did you mean /api/v1/messages?"],
    ["/api/v1/chat/completions", "unified", "Chat completions are served at /openai/{region}/v1/chat/completions."],
    ["/api/v1/models", "unified", "Models are listed at /api/anthropic/v1/models."],
    ["/v1/messages", "anthropic", "/anthropic is missing, the region is missing: did you mean /anthropic/{region}/v1/messages?"],
    ["/anthropic/eu/v1/chat/completions", "anthropic", "Chat completions are not part of the Anthropic protocol"],
    ["/anthropic/eu/v1/complete", "anthropic", "Text Completions are retired"],
    ["/openai/eu/v1/v1/chat/completions", "openai", "/v1 is there more than once: did you mean /openai/eu/v1/chat/completions?"],
    ["/openai/v1/chat/completions", "openai", "The region is missing: did you mean /openai/{region}/v1/chat/completions?"],
    ["/openai/eu/chat/completions", "openai", "/v1 is missing: did you mean /openai/eu/v1/chat/completions?"],
    ["/api/openai/v1/models", "openai", "/api/openai should be /openai, the region is missing: did you mean /openai/{region}/v1/models?"],
    ["/v1/chat/completions", "openai", "/openai is missing, the region is missing: did you mean /openai/{region}/v1/chat/completions?"],
    [
      "/openai/deployments/gpt-4o/chat/completions",
      "openai",
      "/deployments/… is a path of the cloud's own client: use the plain OpenAI client, with the deployment's name as model: did you mean /openai/{region}/v1/chat/completions?",
    ],
    ["/openai/eu/openai/deployments/gpt-4o/embeddings", "openai", "/deployments/… is a path of the cloud's own client: use the plain"],
    ["/openai/eu/v1/completions", "openai", "Text completions are not served"],
    ["/openai/v1/responses", "openai", "The region is missing: did you mean /openai/{region}/v1/responses?"],
    ["/openai/eu/embeddings", "openai", "/v1 is missing: did you mean /openai/eu/v1/embeddings?"],
    ["/openai/eu/v1/messages", "openai", "Messages are not part of the OpenAI protocol"],
  ])("%s belongs to %s, and the mistake is named", (path, name, hint) => {
    expect(owner(path)?.name).toBe(name as DialectName);
    expect(owner(path)?.misroute(path)).toStartWith(hint);
  });

  test.each(["/anthropic", "/anthropic/eu", "/anthropic/eu/v1/nothing", "/anthropic/__proto__", "/openai/eu/v1/models/a/b"])(
    "%s: nothing more can be said",
    (path) => {
      expect(owner(path)).toBeDefined();
      expect(owner(path)?.misroute(path)).toBeUndefined();
    },
  );

  test.each(["/", "/nope", "/v1", "/v1/models", "/anthropical/eu/v1/messages/x", "/constructor"])("%s belongs to nobody", (path) => {
    expect(owner(path)).toBeUndefined();
  });

  test("headers show which dialect the client speaks", () => {
    const speaker = (headers: Record<string, string>) =>
      all.filter((dialect) => dialect.speaks(new Headers(headers))).map(({ name }) => name);
    expect(speaker({ "x-api-key": "k" })).toEqual(["anthropic"]);
    expect(speaker({ "anthropic-version": "2023-06-01" })).toEqual(["anthropic"]);
    expect(speaker({ "openai-organization": "o" })).toEqual(["openai"]);
    expect(speaker({ authorization: "Bearer k" })).toEqual([]);
  });
});
