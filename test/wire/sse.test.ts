import { expect, test } from "bun:test";
import { EventBuffer, eventData, eventEnd } from "../../workers/wire/sse.ts";

const STREAM = 'data: {"a":1}\n\n: comment\n\nevent: x\r\ndata: one\r\ndata: two\r\n\r\n\n\r\ndata:tight\n\ndata\n\n';
const EVENTS = ['data: {"a":1}\n\n', ": comment\n\n", "event: x\r\ndata: one\r\ndata: two\r\n\r\n", "\n", "\r\n", "data:tight\n\n", "data\n\n"];

function split(...chunks: string[]): { events: string[]; isEmpty: boolean } {
  const buffer = new EventBuffer();
  const events: string[] = [];
  for (const chunk of chunks) {
    const text = buffer.add(chunk);
    let at = 0;
    for (let end = eventEnd(text, at); end >= 0; end = eventEnd(text, at)) {
      events.push(text.slice(at, end));
      at = end;
    }
    buffer.keep(text.slice(at));
  }
  return { events, isEmpty: buffer.isEmpty };
}

test("events cut in two or in three anywhere are the same events", () => {
  for (let first = 0; first <= STREAM.length; first++) {
    for (let second = first; second <= STREAM.length; second++) {
      expect(split(STREAM.slice(0, first), STREAM.slice(first, second), STREAM.slice(second))).toEqual({ events: EVENTS, isEmpty: true });
    }
  }
});

test("events that come one byte at a time are the same events", () => {
  expect(split(...STREAM)).toEqual({ events: EVENTS, isEmpty: true });
});

test("the data of an event is its data lines, joined", () => {
  expect(EVENTS.map(eventData)).toEqual(['{"a":1}', undefined, "one\ntwo", undefined, undefined, "tight", ""]);
});

test("part of an event at the end is known", () => {
  expect(split("data: x\n\ndata: y\n")).toEqual({ events: ["data: x\n\n"], isEmpty: false });
});

test("an event without an end grows too long, whether in pieces or at once", () => {
  const piece = "x".repeat(1024 * 1024);
  const buffer = new EventBuffer();
  buffer.keep(buffer.add("data: "));
  for (let count = 0; count < 9; count++) expect(buffer.add(piece)).toBe("");
  expect(buffer.isTooLong).toBe(true);
});
