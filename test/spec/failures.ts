/** What a client gets when the upstream fails before the first byte: the truth, with its true status, streaming or not. */
import { describe, expect } from "bun:test";
import { anthropic, DIALECTS, type Failure, openai, type Spoken } from "./dialects.ts";
import { expectFailure, expectIds, type World } from "./world.ts";

interface Row {
  when: string;
  prompt: string;
  failure: Failure;
  /** In place of `model`. */
  model?: string;
  /** What the log has as the outcome. */
  outcome: string;
  /** Where the clouds differ. */
  only?: Spoken["name"];
  /** The number that the upstream gave, where it is kept. */
  status?: number;
}

const ROWS: readonly Row[] = [
  { when: "throttles", prompt: "[sandbox: throttle]", failure: "rate_limited", outcome: "upstream_rate_limited" },
  { when: "is out of capacity", prompt: "[sandbox: overloaded]", failure: "overloaded", outcome: "upstream_overloaded" },
  { when: "fails with a 500", prompt: "[sandbox: status=500]", failure: "failed", outcome: "upstream_failed" },
  { when: "refuses the input as too long", prompt: "[sandbox: too-long]", failure: "invalid", outcome: "upstream_rejected" },
  { when: "closes the connection without an answer", prompt: "[sandbox: hang-up]", failure: "malformed", outcome: "upstream_malformed" },
  { when: "answers with something that is not HTTP", prompt: "[sandbox: malformed]", failure: "malformed", outcome: "upstream_malformed" },
  { when: "cannot be reached", prompt: "", model: "unreachable", failure: "unreachable", outcome: "upstream_unreachable" },
  { when: "does not answer in time", prompt: "[sandbox: stall]", model: "hasty", failure: "timeout", outcome: "upstream_timeout" },
  { when: "refuses our credentials", prompt: "", model: "misconfigured", failure: "misconfigured", outcome: "misconfigured" },
  { when: "does not know the model", prompt: "[sandbox: status=404]", failure: "misconfigured", outcome: "misconfigured" },
  { when: "denies access", prompt: "[sandbox: status=403]", failure: "misconfigured", outcome: "misconfigured" },
  { when: "has a page of HTML for us", prompt: "[sandbox: status=502]", failure: "failed", outcome: "upstream_failed", status: 502 },
  {
    when: "takes too long by its own clock",
    prompt: "[sandbox: fail type=ModelTimeoutException]",
    failure: "timeout",
    outcome: "upstream_timeout",
    only: "anthropic",
  },
  {
    when: "is not ready",
    prompt: "[sandbox: fail type=ModelNotReadyException]",
    failure: "overloaded",
    outcome: "upstream_overloaded",
    only: "anthropic",
  },
  {
    when: "fails in the model",
    prompt: "[sandbox: fail type=ModelErrorException]",
    failure: "failed",
    outcome: "upstream_failed",
    only: "anthropic",
  },
  {
    when: "answers in Anthropic's own shape",
    prompt: "[sandbox: fail status=529 shape=anthropic]",
    failure: "overloaded",
    outcome: "upstream_overloaded",
    only: "anthropic",
  },
];

export function specifyFailures(world: World): void {
  for (const dialect of DIALECTS) {
    describe(dialect.name, () => {
      for (const row of ROWS) {
        if (row.only !== undefined && row.only !== dialect.name) continue;
        world.sentence(`an upstream that ${row.when} is answered as ${row.failure}, streaming and not`, () =>
          specifyRow(world, dialect, row),
        );
      }

      world.sentence("a throttled call reads when to return: within 1 to 59 seconds, in both headers", async () => {
        for (const prompt of ["[sandbox: throttle]", "[sandbox: throttle seconds=30]", "[sandbox: throttle seconds=86400]"]) {
          const answered = await world.ask(dialect, { prompt });
          expect(answered.status).toBe(429);
          const seconds = Number(answered.headers.get("retry-after"));
          const ms = Number(answered.headers.get("retry-after-ms"));
          expect(Number.isInteger(seconds)).toBe(true);
          expect(seconds).toBeWithin(1, 60);
          expect(seconds).toBe(Math.ceil(ms / 1000));
          if (dialect === openai && prompt.includes("=30")) expect(seconds).toBe(30);
        }
      });

      world.sentence(
        "a credential that the upstream refuses is not the client's business: the log names the upstream and the cure",
        async () => {
          const answered = await world.ask(dialect, { more: { model: `${dialect.family}-misconfigured` } });
          const { message } = expectFailure(dialect, answered, "misconfigured");
          const upstream = dialect === anthropic ? "bedrock-wrong" : "azure-wrong";
          expect(answered.text).not.toMatch(/bedrock|azure|aws|signature|127\.0\.0\.1|spec-wrong/i);
          expect(message).toMatch(/operator/);
          const line = await world.logged(answered);
          expect(line).toMatchObject({ level: "error", upstream, outcome: "misconfigured" });
          expect(String(line.cause)).toContain(upstream);
          expect(String(line.cause)).toMatch(/credential|key/i);
        },
      );
    });
  }

  world.sentence(
    "a call that a cloud has failed is a warning in the log; a client's own mistake and a cloud's own limit are not",
    async () => {
      for (const [prompt, level] of [
        ["[sandbox: overloaded]", "warn"],
        ["[sandbox: status=500]", "warn"],
        ["[sandbox: hang-up]", "warn"],
        ["[sandbox: too-long]", "info"],
        ["[sandbox: throttle]", "info"],
      ] as const) {
        const line = await world.logged(await world.ask(anthropic, { prompt }));
        expect([prompt, line.level]).toEqual([prompt, level]);
      }
    },
  );

  world.sentence("an input that is too long has the code by which OpenAI clients know it", async () => {
    expect(openai.error((await world.ask(openai, { prompt: "[sandbox: too-long]" })).text).code).toBe("context_length_exceeded");
  });

  world.sentence("a prompt that Azure's filter refuses is a 400 with its code and all four keys", async () => {
    for (const stream of [false, true]) {
      const error = expectFailure(openai, await world.ask(openai, { stream, prompt: "[sandbox: filter]" }), "invalid");
      expect(error.code).toBe("content_filter");
    }
  });

  world.sentence("an exception in the stream's first frame has its true status, not 200", async () => {
    for (const [type, failure] of [
      ["throttlingException", "rate_limited"],
      ["validationException", "invalid"],
      ["serviceUnavailableException", "overloaded"],
      ["modelTimeoutException", "timeout"],
      ["internalServerException", "failed"],
      ["modelStreamErrorException", "failed"],
    ] as const) {
      const answered = await world.ask(anthropic, { stream: true, prompt: `[sandbox: exception type=${type}]` });
      expectFailure(anthropic, answered, failure);
    }
  });

  world.sentence("what breaks before the first event is an error with its status and not the start of a stream", async () => {
    for (const dialect of DIALECTS) {
      for (const prompt of ["[sandbox: cut]", "[sandbox: corrupt]", "[sandbox: truncate after=0]"]) {
        const answered = await world.ask(dialect, { stream: true, prompt });
        expect([prompt, answered.status]).toEqual([prompt, 502]);
        expectFailure(dialect, answered, "malformed");
      }
    }
  });

  world.sentence("a whole answer that is cut, truncated or not JSON is an error, never half an answer", async () => {
    for (const dialect of DIALECTS) {
      for (const prompt of ["[sandbox: cut]", "[sandbox: corrupt]", "[sandbox: truncate]"]) {
        const answered = await world.ask(dialect, { prompt });
        expect([dialect.name, prompt, answered.status]).toEqual([dialect.name, prompt, 502]);
        expectFailure(dialect, answered, "malformed");
      }
      expectFailure(
        dialect,
        await world.ask(dialect, { prompt: "[sandbox: stall after=1]", more: { model: `${dialect.family}-hasty` } }),
        "timeout",
      );
    }
  });
}

async function specifyRow(world: World, dialect: Spoken, { prompt, failure, model, outcome, status }: Row): Promise<void> {
  const more = model === undefined ? {} : { model: `${dialect.family}-${model}` };
  const answers = await Promise.all([false, true].map((stream) => world.ask(dialect, { prompt, stream, more })));
  for (const [index, answered] of answers.entries()) {
    if (status !== undefined) expect(answered.status).toBe(status);
    expectFailure(dialect, status === undefined ? answered : { ...answered, status: dialect.errors[failure].status }, failure);
    expectIds(answered);
    expect(answered.text).not.toContain("127.0.0.1");
    world.expectLine(answered, { outcome, stream: index === 1, workspace: "acme" });
  }
}
