import { describe, expect, test } from "bun:test";
import { followedIn, passedOn } from "../../../../src/request/client/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PARENT = `00-${TRACE}-${SPAN}-01`;
const followed = (headers: Record<string, string>) => followedIn(new Headers(headers));

describe("the trace that a request is part of", () => {
  test("is taken from traceparent, with its state", () => {
    expect(followed({ traceparent: PARENT, tracestate: "vendor=a, other=b" })).toEqual({
      traceId: TRACE,
      traceparent: PARENT,
      tracestate: "vendor=a, other=b",
      requestId: "",
    });
  });

  test("of a later version, the known fields are taken", () => {
    expect(followed({ traceparent: `01-${TRACE}-${SPAN}-09-more` })?.traceparent).toBe(`00-${TRACE}-${SPAN}-01`);
    expect(followed({ traceparent: `cc-${TRACE}-${SPAN}-02` })?.traceparent).toBe(`00-${TRACE}-${SPAN}-00`);
  });

  const malformed: Record<string, string> = {
    "a version that there is not": `ff-${TRACE}-${SPAN}-01`,
    "more than version 00 has": `${PARENT}-more`,
    "a trace of zeros": `00-${"0".repeat(32)}-${SPAN}-01`,
    "a span of zeros": `00-${TRACE}-${"0".repeat(16)}-01`,
    capitals: PARENT.toUpperCase(),
    "too few digits": `00-${TRACE.slice(1)}-${SPAN}-01`,
    nothing: "",
    "two of them": `${PARENT}, ${PARENT}`,
    "a megabyte": "0".repeat(1024 * 1024),
  };
  for (const [what, traceparent] of Object.entries(malformed)) {
    test(`${what} counts as none`, () => {
      expect(followed({ traceparent })).toBeUndefined();
      expect(followed({ traceparent, tracestate: "vendor=a", "x-request-id": "mine" })).toEqual({
        traceId: "",
        traceparent: "",
        tracestate: "",
        requestId: "mine",
      });
    });
  }

  test("a state that is too long is left out, and the trace is kept", () => {
    expect(followed({ traceparent: PARENT, tracestate: "v=".padEnd(513, "x") })).toMatchObject({ traceparent: PARENT, tracestate: "" });
  });

  test("a client's id of a request is a word of at most 128 characters, or is ignored", () => {
    for (const id of ["5f0c1f1e-8f9a-4d0f-9a55-1de6ea3dc3d2", "Root=1-67891233-abcdef012345678912345678", "x".repeat(128)])
      expect(followed({ "x-request-id": id })?.requestId).toBe(id);
    for (const id of ["two words", 'a"b', "x".repeat(129), "a;b", "a,b", "naïve"]) expect(followed({ "x-request-id": id })).toBeUndefined();
  });
});

describe("the trace headers for an upstream", () => {
  test("are those that came, or have the span of the attempt", () => {
    const all = followed({ traceparent: PARENT, tracestate: "vendor=a", "x-request-id": "mine" });
    expect(passedOn(all, "")).toBe(`traceparent\n${PARENT}\ntracestate\nvendor=a\nx-request-id\nmine`);
    expect(passedOn(all, "00-1-2-01")).toBe("traceparent\n00-1-2-01\ntracestate\nvendor=a\nx-request-id\nmine");
    expect(passedOn(followed({ "x-request-id": "mine" }), "")).toBe("x-request-id\nmine");
    expect(passedOn(undefined, "00-1-2-01")).toBe("traceparent\n00-1-2-01");
    expect(passedOn(undefined, "")).toBe("");
  });
});
