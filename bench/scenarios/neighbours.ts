/** How much a caller of small requests is delayed by a neighbour who sends large requests, or text that needs much time to read. */
import { type Difference, english, inBoth, type Neighbour, requestBody, scenario } from "./scenario.ts";

const LARGE_BYTES = 10_000_000;
const HOSTILE_BYTES = 100_000;

const beside = (title: string, neighbour: Neighbour, more: string[] = []): Difference => ({
  title: `2 kB beside ${title}`,
  kind: "beside",
  asks: "answer",
  perSecond: 200,
  beside: ["bare", "weir", "nginx", ...more],
  neighbour,
});

const nested: Neighbour["body"] = (question) =>
  `${requestBody(question, "Hello").slice(0, -1)},"metadata":{"note":${"[".repeat(HOSTILE_BYTES / 2)}${"]".repeat(HOSTILE_BYTES / 2)}}}`;

export const NEIGHBOURS = [
  ...inBoth({
    "beside-10mb": beside("10 MB, twice a second", { body: (question) => requestBody(question, english(LARGE_BYTES)), perSecond: 2 }, [
      "inline",
    ]),
    "beside-letter": beside("100 kB of one letter, 20 times a second", {
      body: (question) => requestBody(question, "a".repeat(HOSTILE_BYTES)),
      perSecond: 20,
    }),
  }),
  scenario(
    "openai",
    "beside-marks",
    beside("100 kB of combining marks, 20 times a second", {
      body: (question) => requestBody(question, "\u0301".repeat(HOSTILE_BYTES / 2)),
      perSecond: 20,
    }),
  ),
  scenario("openai", "beside-nested", beside("100 kB of deeply nested JSON, 20 times a second", { body: nested, perSecond: 20 })),
];
