/** Embeddings: passed to Azure, limited and metered like the rest. */
import { expect } from "bun:test";
import { Buffer } from "node:buffer";
import { openai } from "./dialects.ts";
import { expectFailure, expectIds, KEY, type World } from "./world.ts";

const PATH = "/openai/eu/v1/embeddings";

interface Embeddings {
  object: string;
  data: { index: number; embedding: number[] | string }[];
  usage: { prompt_tokens: number };
}

export function specifyEmbeddings(world: World): void {
  const embed = (body: object) =>
    world.call({ path: PATH, headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` }, body: JSON.stringify(body) })
      .answered;

  for (const model of ["embedding", "embedding-dated"]) {
    world.sentence(`${model}: a text, texts, tokens and lists of tokens become vectors`, async () => {
      const inputs: [unknown, number][] = [
        ["a text", 1],
        [["one", "two", "three"], 3],
        [[1, 2, 3], 1],
        [[[1, 2], [3]], 2],
      ];
      for (const [input, count] of inputs) {
        const answered = await embed({ model, input });
        expect(answered.status).toBe(200);
        expectIds(answered);
        const answer = JSON.parse(answered.text) as Embeddings;
        expect(answer.data.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index));
        expect(answer.data[0]?.embedding).toHaveLength(1536);
        expect(await world.logged(answered)).toMatchObject({ outcome: "ok", input_tokens: answer.usage.prompt_tokens, output_tokens: 0 });
      }
    });
  }

  world.sentence("base64 and float are the same vector, as long as was asked for", async () => {
    const asked = { model: "embedding", input: "the same", dimensions: 64 };
    const float = JSON.parse((await embed({ ...asked, encoding_format: "float" })).text) as Embeddings;
    const base64 = JSON.parse((await embed({ ...asked, encoding_format: "base64" })).text) as Embeddings;
    const bytes = Buffer.from(String(base64.data[0]?.embedding), "base64");
    const vector = Array.from({ length: 64 }, (_, index) => bytes.readFloatLE(index * 4));
    expect(bytes.length).toBe(256);
    expect(float.data[0]?.embedding).toEqual(vector);
  });

  world.sentence("embeddings count against the limit by their input alone", async () => {
    const first = await embed({ model: "embedding-limited", input: "a short text" });
    expect(first.status).toBe(200);
    // Nothing is kept for an answer: one would have taken 256 of the 100.
    expect(Number(first.headers.get("x-ratelimit-remaining-tokens"))).toBeGreaterThan(50);
    expect((await embed({ model: "embedding-limited", input: "word ".repeat(300) })).status).toBe(413);
    const later = await Promise.all(Array.from({ length: 12 }, () => embed({ model: "embedding-limited", input: "a short text" })));
    expect(later.some(({ status }) => status === 429)).toBe(true);
  });

  world.sentence("a mistake in the request is a 400 that names the field", async () => {
    const rows: [object, string][] = [
      [{ input: "x", model: "" }, "model"],
      [{ model: "embedding" }, "input"],
      [{ model: "embedding", input: [] }, "input"],
      [{ model: "embedding", input: { text: "x" } }, "input"],
      [{ model: "embedding", input: "x", encoding_format: "hex" }, "encoding_format"],
      [{ model: "embedding", input: "x", dimensions: 0 }, "dimensions"],
    ];
    for (const [body, field] of rows) expect(expectFailure(openai, await embed(body), "invalid").param).toBe(field);
  });

  world.sentence("what Azure refuses, and its failures, are answered as in chat completions", async () => {
    expectFailure(openai, await embed({ model: "embedding", input: "[sandbox: throttle]" }), "rate_limited");
    expectFailure(openai, await embed({ model: "embedding", input: "[sandbox: status=500]" }), "failed");
    expectFailure(openai, await embed({ model: "embedding", input: "x", dimensions: 99_999 }), "invalid");
  });
}
