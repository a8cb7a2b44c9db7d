/** The first users' code samples, as they were published: only the base URL, the key and the region in a `curl` line are filled in. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pythonWith } from "../../support/python.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { ROOT } from "./library.ts";
import { NOW, THEN } from "./requirements.ts";

const SAMPLES = new Map(
  [...readFileSync(join(import.meta.dir, "seeds.md"), "utf8").matchAll(/^## (\S+)\n\n```\w+\n([\s\S]*?)\n```$/gm)].map(
    ([, name = "", code = ""]) => [name, code],
  ),
);
const TIMEOUT_MS = 30_000;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
}, TIMEOUT_MS);
afterAll(() => gateway.stop());

/** The packages of the Vercel AI SDK that the users had, and today's. From 5 on the default call of the sample for OpenAI goes to the Responses API. */
const VERCEL: { majors: string; sample: string; packages: Record<string, string> }[] = [
  { majors: "4", sample: "anthropic.mjs", packages: { ai: "ai-4", "@ai-sdk/anthropic": "ai-sdk-anthropic-1" } },
  { majors: "5", sample: "anthropic.mjs", packages: { ai: "ai-5", "@ai-sdk/anthropic": "ai-sdk-anthropic-2" } },
  { majors: "6", sample: "anthropic.mjs", packages: {} },
  { majors: "7", sample: "anthropic.mjs", packages: { ai: "ai-7", "@ai-sdk/anthropic": "ai-sdk-anthropic-4" } },
  { majors: "4", sample: "openai.mjs", packages: { ai: "ai-4", "@ai-sdk/openai": "ai-sdk-openai-1" } },
  { majors: "5", sample: "openai.mjs", packages: { ai: "ai-5", "@ai-sdk/openai": "ai-sdk-openai-2" } },
  { majors: "6", sample: "openai.mjs", packages: {} },
  { majors: "7", sample: "openai.mjs", packages: { ai: "ai-7", "@ai-sdk/openai": "ai-sdk-openai-4" } },
];

for (const { majors, sample, packages } of VERCEL) {
  test(
    `${sample} runs with the Vercel AI SDK ${majors}`,
    async () => {
      const renamed = Object.entries(packages).reduce(
        (code, [name, alias]) => code.replace(`from "${name}"`, `from "${alias}"`),
        filledIn(sample),
      );
      // In a folder of the project, so that its packages are found.
      const folder = join(ROOT, ".cache/seeds");
      mkdirSync(folder, { recursive: true });
      const file = join(folder, `${majors}-${sample}`);
      writeFileSync(file, renamed);
      expect(await run([process.execPath, file])).toMatch(aboutCats(sample));
    },
    TIMEOUT_MS,
  );
}

for (const [vintage, requirements] of Object.entries({ "of their time": THEN, "of today": NOW })) {
  const python = pythonWith(requirements);
  if (python.missing !== undefined) console.warn(`the Python samples are not run with the libraries ${vintage}: ${python.missing}`);
  for (const sample of ["anthropic.py", "openai.py"]) {
    test.skipIf(python.missing !== undefined)(
      `${sample} runs with the library ${vintage}`,
      async () => expect(await run([python.program ?? "", "-c", filledIn(sample)])).toMatch(aboutCats(sample)),
      TIMEOUT_MS,
    );
  }
}

for (const sample of ["anthropic.sh", "openai.sh"]) {
  test.skipIf(Bun.which("curl") === null)(`${sample} runs in both regions`, async () => {
    for (const region of ["eu", "us"]) {
      const answer = JSON.parse(await run(["sh", "-c", filledIn(sample).replace("{region}", region)]));
      expect(JSON.stringify(answer)).toMatch(aboutCats(sample));
      expect(answer.model).toStartWith(sample === "openai.sh" ? "gpt-4o" : "claude-3-haiku-20240307");
    }
  });
}

// Its model, the first Opus, never left the United States; the path names no region, so the key's workspace does.
test.skipIf(Bun.which("curl") === null)("unified.sh runs, and its answer has the published shape", async () => {
  const { data, ...envelope } = JSON.parse(await run(["sh", "-c", filledIn("unified.sh")]));
  expect(envelope).toEqual({ success: true, code: "200", message: "successful" });
  expect(data).toMatchObject({ id: expect.stringMatching(/^msg_/), model: "claude-3-opus-20240229" });
  expect(data.choices).toMatchObject([{ index: 0, message: { role: "assistant", content: expect.stringContaining("Hello") } }]);
  const streamed = await run(["sh", "-c", filledIn("unified.sh").replace('"stream": false', '"stream": true')]);
  const events = streamed.trim().split("\n\n");
  expect(events.pop()).toBe("data: [DONE]");
  const chunks = events.map((event) => JSON.parse(event.slice("data: ".length)));
  for (const chunk of chunks) expect(chunk).toMatchObject({ id: expect.any(String), object: "chat.completion.chunk" });
  expect(chunks.map(({ choices }) => choices[0].delta.content ?? "").join("")).toContain("Hello");
});

function filledIn(sample: string): string {
  return (SAMPLES.get(sample) ?? "")
    .replaceAll("https://api.langdock.com", gateway.url)
    .replaceAll("<YOUR_LANGDOCK_API_KEY>", gateway.key)
    .replaceAll("<authorization>", `Bearer ${gateway.key}`)
    .replaceAll("{BASE_URL}", gateway.url)
    .replaceAll("{token}", gateway.usKey);
}

/** The stand-ins quote what they were asked. */
function aboutCats(sample: string): RegExp {
  return sample.startsWith("anthropic") ? /Write a haiku about cats/ : /Write a short poem about cats/;
}

/** Standard output of a program that must end well. */
async function run(words: string[]): Promise<string> {
  const child = Bun.spawn(words, { stdout: "pipe", stderr: "pipe", env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "" } });
  const [output, errors, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  expect(`${code} ${code === 0 ? "" : errors}`).toBe("0 ");
  return output;
}
