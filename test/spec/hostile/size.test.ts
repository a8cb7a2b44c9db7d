/** Whole answers as large and as awkward as they may be: no worker is held up by them, whatever they are made of. */
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { CallOperation, DialectName } from "../../../src/contract/dialect.ts";
import { cpuMsOf } from "../../support/clock.ts";
import { CLOUDS, sceneOf } from "./scene.ts";

const MIB = 1024 * 1024;
const PIECE = 256 * 1024;
/** Processor time. It is some 100 ms; parsing took 2,300 ms. */
const STILL_MS = 700;

/** What costs a parser most for each byte, to be repeated between an opening and an end. */
const AWKWARD: Record<string, [opening: string, repeated: string, end: string]> = {
  objects: ["[", "{},", "{}]"],
  strings: ["[", '"",', '""]'],
  escapes: ['"', '\\"\\\\', '"'],
  numbers: ["[", "1e5,", "1]"],
  members: ["{", '"a":{},', '"b":1}'],
};

type Way = [what: string, cloud: "azure" | "bedrock", dialect: DialectName, operation: CallOperation, mebibytes: number, frame: string];
const WAYS: Way[] = [
  ["a message", "bedrock", "anthropic", "generate", 15, '{"type":"message","content":@,"usage":{"input_tokens":7,"output_tokens":9}}'],
  [
    "a message, translated",
    "bedrock",
    "unified",
    "generate",
    15,
    '{"type":"message","content":@,"usage":{"input_tokens":7,"output_tokens":9}}',
  ],
  ["a completion", "azure", "openai", "generate", 60, '{"choices":[@],"usage":{"prompt_tokens":7,"completion_tokens":9}}'],
  ["a response", "azure", "openai", "responses", 60, '{"output":[@],"usage":{"input_tokens":7,"output_tokens":9}}'],
  ["embeddings", "azure", "openai", "embeddings", 60, '{"data":[@],"usage":{"prompt_tokens":7}}'],
];

for (const [what, cloud, dialect, operation, mebibytes, frame] of WAYS) {
  describe(`${what} of ${mebibytes} MiB`, () => {
    for (const [kind, [opening, repeated, end]] of Object.entries(AWKWARD)) {
      test(`full of ${kind} holds up no other call, and its usage counts`, async () => {
        const scene = await sceneOf(CLOUDS[cloud], dialect, { operation, stream: false });
        const [before = "", after = ""] = frame.split("@");
        const middle = Buffer.from(repeated.repeat(Math.ceil(PIECE / repeated.length)));
        scene.events.head(200, new Map());
        let longestMs = 0;
        const timed = (act: () => void) => {
          longestMs = Math.max(longestMs, cpuMsOf(act));
        };
        scene.events.chunk(Buffer.from(before + opening));
        for (let length = 0; length < mebibytes * MIB; length += middle.length) timed(() => scene.events.chunk(middle));
        scene.events.chunk(Buffer.from(end + after));
        timed(() => scene.events.end());
        expect(scene.end()).toBe("done");
        const used = scene.reports().find(({ what }) => what === "done");
        expect(used?.ended?.usage.input).toBe(7);
        expect(longestMs).toBeLessThan(STILL_MS);
      });
    }
  });
}

test("a large answer that is cut, or is more than one object, is no answer", async () => {
  const large = `{"choices":["${"x".repeat(2 * MIB)}"]`;
  for (const [text, end] of [
    [`${large}}`, "done"],
    [`${large}} \n`, "done"],
    [large, "upstream_malformed"],
    [`${large}}}`, "upstream_malformed"],
    [`${large}},{}`, "upstream_malformed"],
    [`${large},"usage":nope}`, "upstream_malformed"],
    [`[${large}}]`, "upstream_malformed"],
    [`{"choices":${"9".repeat(2 * MIB)}}`, "upstream_malformed"],
    [`{${'"a":1,'.repeat(300_000)}"choices":[]}`, "upstream_malformed"],
  ] as const) {
    const scene = await sceneOf(CLOUDS.azure, "openai", { stream: false });
    scene.events.head(200, new Map());
    scene.events.chunk(Buffer.from(text));
    scene.events.end();
    expect([text.slice(-12), scene.end()]).toEqual([text.slice(-12), end]);
  }
});
