/**
 * What it costs to turn an Anthropic body into one for Bedrock: microseconds of processor time for each call. The bodies need no other change than
 * model, stream and version. This is not a test; run it:
 *
 *   bun bench/body.ts [rounds]
 *
 * The bodies are like those of coding agents: a long system prompt with marks, 22 tools, a conversation with tool calls. Each round measures every variant
 * once. At the end the median of each variant is printed, with its least and its most.
 */
import { bedrockTakes } from "../src/providers/bedrock/takes.ts";
import { bedrockBody } from "../workers/providers/bedrock/body.ts";
import { takesOf } from "../workers/providers/bedrock/takes.ts";

const MARK = { type: "ephemeral" };
const WORDS =
  'Read the file before you edit it, quote paths that have spaces ("like this"), and say what you have changed.\n\t- one step at a time: ';

/** A text of about this many bytes, with the quotes, line breaks and tabs that agents write. */
const text = (bytes: number, salt: number): string =>
  Array.from({ length: Math.ceil(bytes / WORDS.length) }, (_, nth) => `${salt}.${nth} ${WORDS}`).join("");

const tool = (nth: number) => ({
  name: `tool_${nth}`,
  description: text(900, nth),
  input_schema: {
    type: "object",
    properties: Object.fromEntries(
      Array.from({ length: 5 }, (_, at) => [`field_${at}`, { type: "string", description: `The ${at}th of "${nth}"` }]),
    ),
    required: ["field_0"],
    additionalProperties: false,
  },
});

const turn = (nth: number) => [
  { role: "user", content: [{ type: "text", text: text(300, nth) }] },
  {
    role: "assistant",
    content: [
      { type: "text", text: text(150, nth) },
      { type: "tool_use", id: `toolu_${nth}`, name: `tool_${nth}`, input: { field_0: `src/file-${nth}.ts` } },
    ],
  },
  { role: "user", content: [{ type: "tool_result", tool_use_id: `toolu_${nth}`, content: text(700, nth) }] },
];

function body(turns: number): string {
  const messages = [...Array.from({ length: turns }, (_, nth) => turn(nth)).flat(), { role: "user", content: "Go on." }];
  const request = {
    model: "m",
    max_tokens: 32_000,
    system: [
      { type: "text", text: text(9_000, 1), cache_control: MARK },
      { type: "text", text: text(6_000, 2), cache_control: MARK },
    ],
    tools: Array.from({ length: 22 }, (_, nth) => tool(nth)),
    messages,
    metadata: { user_id: "user_1" },
    stream: true,
  };
  return Buffer.from(JSON.stringify(request)).toString("latin1");
}

interface Variant {
  name: string;
  takes: ReturnType<typeof takesOf>;
  body: string;
}

const BODIES = {
  "70 kB": body(12),
  "8 kB of one text": JSON.stringify({ model: "m", max_tokens: 10, messages: [{ role: "user", content: text(8_000, 1) }] }),
};
const MODELS = ["claude-haiku-4-5-20251001", "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5"];
const VARIANTS: readonly Variant[] = MODELS.flatMap((model) =>
  Object.entries(BODIES).map(([size, sent]) => ({ name: `${model}, ${size}`, takes: takesOf(bedrockTakes(model, [])), body: sent })),
);

/** How long one round of a variant lasts. */
const ROUND_MS = 40;

/** Microseconds of processor time of this process for each call. Elapsed time would also count what other processes use. */
function measure({ takes, body: sent }: Variant): number {
  const job = { body: sent, hints: "2023-06-01\n" };
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() - startedMs < ROUND_MS) {
    for (let nth = 0; nth < 20; nth++) if (bedrockBody(job, takes).dropped !== "") throw new Error("an edit");
    calls += 20;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

const rounds = Number(process.argv[2] ?? 15);
for (const variant of VARIANTS) measure(variant);
const taken = VARIANTS.map((): number[] => []);
for (let round = 0; round < rounds; round++) for (const [at, variant] of VARIANTS.entries()) taken[at]?.push(measure(variant));
for (const [at, { name, body: sent }] of VARIANTS.entries()) {
  const sorted = (taken[at] as number[]).sort((one, other) => one - other);
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((us) => (us as number).toFixed(1));
  console.log(`${name.padEnd(48)} ${String(sent.length).padStart(7)} bytes  ${median} µs (${least} to ${most})`);
}
