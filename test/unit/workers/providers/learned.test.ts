/** What refusals teach about the targets of one upstream, in the worker that was refused and in the others. */
import { afterEach, describe, expect, test } from "bun:test";
import { Lessons as AzureLessons } from "../../../../workers/providers/azure/lessons.ts";
import { Lessons } from "../../../../workers/providers/bedrock/lessons.ts";
import { putForward, restoreClock } from "../../../support/clock.ts";
import { acceptsOf, job } from "./upstream.ts";

afterEach(restoreClock);

const HOUR_MS = 3_600_000;
const EXTRA = (name: string) => `${name}: Extra inputs are not permitted`;

const accepts = acceptsOf("bedrock", "claude-opus-5");
const one = () => job({ accepts, model: "claude-opus-5" });

describe("a lesson is sent to the same upstream of another worker", () => {
  test("of Bedrock: members, and flags", () => {
    const [here, there] = [new Lessons("bedrock-eu"), new Lessons("bedrock-eu")];
    const asked = one();
    here.sent(asked, ["effort-2025-11-24"]);
    for (const message of [EXTRA("context_hint"), EXTRA("tools.0.custom.strict"), "invalid beta flag"]) {
      const lesson = here.learn(asked, message);
      there.taught(asked, lesson?.taught ?? "", HOUR_MS);
    }
    expect(here.takes(asked).without.has("context_hint")).toBe(true);
    expect(here.takes(asked).fields.has("tools.strict")).toBe(false);
    expect(here.takes(asked).betas.has("effort-2025-11-24")).toBe(false);
    expect(there.takes(asked)).toEqual(here.takes(asked));
    expect(there.takes({ ...asked, upstreamModel: "another" }).without.size).toBe(0);
  });

  test("of Azure: other names, of which the last one counts, and unknown members", () => {
    const [here, there] = [new AzureLessons("azure-eu"), new AzureLessons("azure-eu")];
    const asked = job({ accepts: acceptsOf("azure", "gpt-4o"), model: "gpt-4o" });
    const refusals = [
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      "Unknown parameter: 'metadata'.",
      "Unrecognized request argument supplied: max_completion_tokens",
    ];
    for (const message of refusals) there.taught(asked, here.learn(asked, message)?.taught ?? "", HOUR_MS);
    expect(here.takes(asked).rename).toEqual({ max_completion_tokens: "max_tokens" });
    expect(here.takes(asked).without).toContain("metadata");
    expect(there.takes(asked)).toEqual(here.takes(asked));
  });

  test("for what is left of its hour, and never longer than one", () => {
    const lessons = new Lessons("bedrock-eu");
    const isLeftOut = () => lessons.takes(one()).without.has("context_hint");
    for (const [forMs, lastsMs] of [
      [5_000, 5_000],
      [10 * HOUR_MS, HOUR_MS],
    ] as const) {
      lessons.taught(one(), '["fields","context_hint"]', forMs);
      putForward(lastsMs - 1_000);
      expect(isLeftOut()).toBe(true);
      putForward(2_000);
      expect(isLeftOut()).toBe(false);
    }
  });

  test("a text that is no lesson changes nothing", () => {
    const lessons = new Lessons("bedrock-eu");
    const before = lessons.takes(one());
    for (const text of ["", "{", "[]", "{}", "[1]", '["fields"]', '["betas"]', '["other","x"]', "null"])
      lessons.taught(one(), text, HOUR_MS);
    expect(lessons.takes(one())).toBe(before);
  });
});

test("a refusal that another call has taught meanwhile is worth another try, and is not reported again", () => {
  const lessons = new Lessons("bedrock-eu");
  const asked = one();
  asked.takes = lessons.takes(asked);
  lessons.taught(asked, '["fields","context_hint"]', HOUR_MS);
  expect(lessons.learn(asked, EXTRA("context_hint"))).toEqual({ line: "", taught: "" });
  // It was left out, and the request was still refused: the same request would be refused again.
  asked.takes = lessons.takes(asked);
  expect(lessons.learn(asked, EXTRA("context_hint"))).toBeUndefined();
});

test("two targets with one model and different configurations do not share lessons", () => {
  const lessons = new Lessons("bedrock-eu");
  const other = job({ accepts: acceptsOf("bedrock", "claude-opus-5"), model: "other" });
  lessons.learn(one(), EXTRA("context_hint"));
  expect(lessons.takes(other).without.size).toBe(0);
  lessons.learn(other, EXTRA("colour"));
  expect([[...lessons.takes(one()).without], [...lessons.takes(other).without]]).toEqual([["context_hint"], ["colour"]]);
});

test("an upstream that refuses everything teaches at most 32 lessons, those of other workers included, and no name that is too long", () => {
  const lessons = new Lessons("bedrock-eu");
  for (let nth = 0; nth < 20; nth++) lessons.taught(one(), JSON.stringify(["fields", `stray_a${"a".repeat(nth)}`]), HOUR_MS);
  const learned = Array.from({ length: 20 }, (_, nth) => lessons.learn(one(), EXTRA(`stray_b${"b".repeat(nth)}`)));
  expect(learned.filter((lesson) => lesson !== undefined)).toHaveLength(12);
  expect(lessons.takes(one()).without.size).toBe(32);
  expect(new Lessons("bedrock-eu").learn(one(), EXTRA("x".repeat(200)))).toBeUndefined();
});
