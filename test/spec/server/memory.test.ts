/** What one key can make a gateway take of the machine's memory with bodies that cost more than they weigh. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { keyEntry, startWeir } from "../../support/weir.ts";
import { type Answered, Call } from "../client.ts";
import { anthropic } from "../dialects.ts";

const KEY = "weir_memory_attack_Vn4Xq7Lw2Rb9";
const BODY_BYTES = 32 * 1024 * 1024 - 1024;
const CALLERS = 10;
const ROUNDS = 2;
/** Growth of all its threads together. Where nothing bounded it, each of the bodies of the first kind took 900 MB. */
const MOST_GROWTH_MB = 1_024;

const BODIES: [kind: string, body: () => string, says: RegExp][] = [
  [
    "nothing but empty objects",
    () => `{"model":"m","max_tokens":5,"messages":[${"{},".repeat(BODY_BYTES / 3 - 20)}{}]}`,
    /more than 500000 names and values/,
  ],
  [
    "as many names of their own as are let through",
    () => {
      const members = Array.from({ length: 240_000 }, (_, at) => `"k${at}${"z".repeat(100)}":0`).join(",");
      return `{"model":"m","max_tokens":5,"messages":[],"more":{${members}}}`;
    },
    /^messages: /,
  ],
];

test.skipIf(process.platform !== "linux").each(BODIES)(
  "the memory of a gateway stays bounded while one key sends large bodies of %s",
  async (_kind, bodyOf, says) => {
    const weir = await startWeir({
      config: {
        workers: 1,
        upstreams: {
          nowhere: {
            provider: "bedrock",
            region: "eu",
            aws_region: "eu-central-1",
            endpoint: "http://127.0.0.1:1",
            credentials: { access_key_id: "AKIDEXAMPLE", secret_access_key: "memory-secret-not-used" },
          },
        },
        models: { m: { targets: [{ upstream: "nowhere", model: "anthropic.claude-3-haiku-20240307-v1:0" }] } },
        workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
      },
    });
    const residentMb = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${weir.child.pid}/status`, "utf8"))?.[1]) / 1024;
    const beforeMb = residentMb();
    let mostMb = beforeMb;
    const watch = setInterval(() => {
      mostMb = Math.max(mostMb, residentMb());
    }, 5);
    try {
      const asking = { path: anthropic.path, headers: { "x-api-key": KEY }, body: Buffer.from(bodyOf()) };
      const port = Number(new URL(weir.url).port);
      const answers: Answered[] = [];
      for (let round = 0; round < ROUNDS; round++)
        answers.push(...(await Promise.all(Array.from({ length: CALLERS }, () => new Call(port, asking).answered))));
      expect(mostMb - beforeMb).toBeLessThan(MOST_GROWTH_MB);
      // The rest was refused before it was read.
      const checked = answers.filter(({ status }) => status === 400);
      expect(checked.length).toBeGreaterThan(0);
      for (const { text } of checked) expect(anthropic.error(text).message).toMatch(says);
    } finally {
      clearInterval(watch);
      await weir.stop("SIGKILL");
    }
  },
  60_000,
);
