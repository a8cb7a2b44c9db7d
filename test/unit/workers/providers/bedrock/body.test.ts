import { expect, test } from "bun:test";
import { GatewayError } from "../../../../../src/contract/errors.ts";
import { bedrockTakes } from "../../../../../src/providers/bedrock/takes.ts";
import { bedrockBody } from "../../../../../workers/providers/bedrock/body.ts";
import { takesOf } from "../../../../../workers/providers/bedrock/takes.ts";

const MESSAGES = '"messages":[{"role":"user","content":"x"}]';

/** For a model that is not in the catalogue, which counts as one that takes everything. */
function edit(body: string, betas = "", further: string[] = []) {
  const takes = takesOf(bedrockTakes(undefined, [{ betas: { add: further, remove: [] }, fields: { add: [], remove: [] } }]));
  return bedrockBody({ body, hints: `2023-06-01\n${betas}` }, takes).body;
}

function refusal(body: string): GatewayError {
  try {
    edit(body);
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error("it was not refused");
}

test("model and stream are removed, the version is added, and every other byte stays", () => {
  expect(edit(`{ "model":"m", "stream":true,\n "max_tokens": 12345678901234567890, ${MESSAGES}, "new":"\\u00e9" }`)).toBe(
    `{ "max_tokens": 12345678901234567890, ${MESSAGES}, "new":"\\u00e9","anthropic_version":"bedrock-2023-05-31" }`,
  );
});

test("the client's own version is replaced", () => {
  expect(edit(`{"anthropic_version":"2026-10-21",${MESSAGES}}`)).toBe(`{"anthropic_version":"bedrock-2023-05-31",${MESSAGES}}`);
});

test("-1 for top_k and top_p is taken out, other values stay", () => {
  expect(JSON.parse(edit(`{"top_k":-1,"top_p":-1.0,${MESSAGES}}`))).not.toContainAnyKeys(["top_k", "top_p"]);
  expect(JSON.parse(edit(`{"top_k":0,"top_p":1,${MESSAGES}}`))).toMatchObject({ top_k: 0, top_p: 1 });
});

test("betas from header and body are joined, and only what Bedrock takes is sent", () => {
  const body = edit(
    `{"anthropic_beta":["context-1m-2025-08-07","files-api-2025-04-14"],"betas":["effort-2025-11-24"],${MESSAGES}}`,
    "context-1m-2025-08-07,prompt-caching-scope-2026-01-05,pdfs-2024-09-25",
  );
  expect(JSON.parse(body).anthropic_beta).toEqual(["context-1m-2025-08-07", "pdfs-2024-09-25", "effort-2025-11-24"]);
  expect(JSON.parse(body).betas).toBeUndefined();
});

test("no beta that Bedrock takes means no list at all", () => {
  expect(JSON.parse(edit(`{"anthropic_beta":["skills-2025-10-02"],${MESSAGES}}`, "files-api-2025-04-14")).anthropic_beta).toBeUndefined();
});

test("the flag of advanced tool use becomes the flags of its two parts", () => {
  expect(JSON.parse(edit(`{${MESSAGES}}`, "advanced-tool-use-2025-11-20")).anthropic_beta).toEqual([
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
  ]);
});

test("the operator may allow further betas, which are sent only where the client asks for them", () => {
  expect(JSON.parse(edit(`{${MESSAGES}}`, "new-2027-01-01", ["new-2027-01-01"])).anthropic_beta).toEqual(["new-2027-01-01"]);
  expect(JSON.parse(edit(`{${MESSAGES}}`, "", ["new-2027-01-01"])).anthropic_beta).toBeUndefined();
});

test("the flag is added for a tool that needs one on Bedrock", () => {
  const body = edit(`{"tools":[{"type":"bash_20250124","name":"bash"},{"type":"memory_20250818","name":"memory"}],${MESSAGES}}`);
  expect(JSON.parse(body).anthropic_beta).toEqual(["computer-use-2025-01-24", "context-management-2025-06-27"]);
});

test("eager input streaming becomes its flag, and the tools stay as written otherwise", () => {
  const body = edit(
    `{"tools":[{"name":"a","eager_input_streaming":true,"input_schema":{"type":"object","maximum":12345678901234567890}}, {"name":"b","description":"\\"eager_input_streaming\\": true","input_schema":{}}],${MESSAGES}}`,
  );
  expect(body).toContain(
    '[{"name":"a","input_schema":{"type":"object","maximum":12345678901234567890}}, {"name":"b","description":"\\"eager_input_streaming\\": true","input_schema":{}}]',
  );
  expect(JSON.parse(body).anthropic_beta).toEqual(["fine-grained-tool-streaming-2025-05-14"]);
});

test("fields whose value asks for nothing special are taken out", () => {
  const body = edit(`{"service_tier":"auto","speed":"standard","container":null,"mcp_servers":[ ],${MESSAGES},"metadata":{"user_id":"u"}}`);
  expect(Object.keys(JSON.parse(body))).toEqual(["messages", "metadata", "anthropic_version"]);
});

test.each([
  ["container", '"container":"c_1"'],
  ["mcp_servers", '"mcp_servers":[{"type":"url"}]'],
  ["service_tier", '"service_tier":"priority"'],
  ["speed", '"speed":"fast"'],
  ["inference_geo", '"inference_geo":"us"'],
  ["tools.1.type", '"tools":[{"name":"a","input_schema":{}},{"type":"web_search_20250305","name":"web_search"}]'],
  ["tools.0.type", '"tools":[{"type":"code_execution_20250825","name":"code_execution"}]'],
])("%s is refused by name", (param, member) => {
  const { kind, message, detail } = refusal(`{${member},${MESSAGES}}`);
  expect({ kind, param: detail.param }).toEqual({ kind: "invalid_request", param });
  expect(message).toStartWith(`${param}: `);
});

const block = (kind: string, source: string) => `{"type":"${kind}","source":${source}}`;
const URL_SOURCE = '{"type" : "url","url":"https://x"}';
test.each([
  ["messages.0.content.0.source", block("image", URL_SOURCE)],
  ["messages.0.content.0.source", block("document", '{"type":"file","file_id":"f"}')],
  ["messages.0.content.0.content.0.source", `{"type":"tool_result","tool_use_id":"t","content":[${block("image", URL_SOURCE)}]}`],
  ["messages.0.content.0.source.content.0.source", block("document", `{"type":"content","content":[${block("image", URL_SOURCE)}]}`)],
])("remote content at %s is refused", (param, content) => {
  const { kind, message, detail } = refusal(`{"messages":[{"role":"user","content":[${content}]}]}`);
  expect({ kind, param: detail.param }).toEqual({ kind: "invalid_request", param });
  expect(message).toContain("base64");
});

test("words about URLs and files are not URLs and files", () => {
  const body =
    '{"messages":[{"role":"user","content":"{\\"type\\":\\"url\\"}"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"type":"url","source":{"type":"file"}}}]}],"tools":[{"name":"n","description":"web_search_20250305\\"","input_schema":{"properties":{"url":{},"file":{}}}}]}';
  expect(JSON.parse(edit(body)).messages).toEqual(JSON.parse(body).messages);
});

test.each(["betas", "tools", "service_tier", "anthropic_version"])("%s twice is refused", (name) => {
  expect(refusal(`{"${name}":null,"${name}":null,${MESSAGES}}`).detail.param).toBe(name);
});

test("betas that are no list of names are refused", () => {
  expect(refusal(`{"betas":"context-1m-2025-08-07",${MESSAGES}}`).message).toBe("betas: must be an array of strings");
});

test("escapes hide nothing from the rules: names at the top, types of tools, remote content", () => {
  const edited = JSON.parse(
    edit(String.raw`{"mod\u0065l":"m","strea\u006d":true,"anthropic_v\u0065rsion":"x","b\u0065tas":["effort-2025-11-24"],${MESSAGES}}`),
  );
  expect(edited).not.toContainAnyKeys(["model", "stream", "betas"]);
  expect(edited).toMatchObject({ anthropic_version: "bedrock-2023-05-31", anthropic_beta: ["effort-2025-11-24"] });
  expect(refusal(String.raw`{"model":"a","mod\u0065l":"b",${MESSAGES}}`).detail.param).toBe("model");
  expect(refusal(String.raw`{"tools":[{"type":"web_s\u0065arch_2025030\u0035","name":"web_search"}],${MESSAGES}}`).detail.param).toBe(
    "tools.0.type",
  );
  const eager = edit(String.raw`{"tools":[{"name":"t","input_schema":{},"\u0065ager_input_streaming":true}],${MESSAGES}}`);
  expect(JSON.parse(eager).tools[0]).toEqual({ name: "t", input_schema: {} });
  const image = String.raw`{"type":"image","source":{"type":"\u0075rl","url":"https://a.example/b.png"}}`;
  expect(refusal(`{"messages":[{"role":"user","content":[${image}]}]}`).detail.param).toBe("messages.0.content.0.source");
});
