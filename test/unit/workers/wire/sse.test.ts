import { describe, expect, test } from "bun:test";
import { EventBuffer, eventData, eventEnd } from "../../../../workers/wire/sse.ts";
import { random } from "./http-answers.ts";

/** The events of `pieces` as a reader takes them: each whole one at once, the rest kept. */
function eventsOf(pieces: readonly string[]): { events: string[]; buffer: EventBuffer } {
  const buffer = new EventBuffer();
  const events: string[] = [];
  for (const piece of pieces) {
    const text = buffer.add(piece);
    let at = 0;
    for (let end = eventEnd(text, at); end >= 0; end = eventEnd(text, at)) {
      events.push(text.slice(at, end));
      at = end;
    }
    buffer.keep(text.slice(at));
  }
  return { events, buffer };
}

/** The same by the letter of the standard: fields of each event, joined data. */
function dataByTheBook(stream: string): (string | undefined)[] {
  return stream
    .split(/(?<=^|\n)\r?\n/)
    .slice(0, -1)
    .map((event) => {
      const lines = event.split(/\r?\n/).filter((line) => /^data(?::|$)/.test(line));
      return lines.length === 0 ? undefined : lines.map((line) => line.replace(/^data:? ?/, "")).join("\n");
    });
}

const EVENTS = [
  'data: {"a":1}\n\n',
  'data: {"a":1}\r\n\r\n',
  'event: x\r\ndata: {"b":\r\ndata: 2}\r\nid: 7\r\n\r\n',
  "data: one\ndata: two\n\n",
  ": a comment\n\n",
  ": a comment\n: another\ndata:no space\n\n",
  "data\n\n",
  "data:\r\n\r\n",
  "data:  two spaces\n\n",
  "database: 1\n\n",
  "\n",
  "\r\n",
  "retry: 3\n\n",
  "data: [DONE]\n\n",
];
const STREAM = EVENTS.join("");

describe("an event stream", () => {
  test("is cut at its blank lines, byte for byte, whatever its line ends", () => {
    expect(eventsOf([STREAM]).events).toEqual(EVENTS);
    expect(eventsOf([...STREAM]).events).toEqual(EVENTS);
  });

  test("gives the same events wherever it is cut in two", () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const { events, buffer } = eventsOf([STREAM.slice(0, cut), STREAM.slice(cut)]);
      expect([cut, buffer.isEmpty, events]).toEqual([cut, true, EVENTS]);
    }
  });

  test("gives the same events wherever a piece of it is cut in three", () => {
    const piece = EVENTS.slice(0, 3).join("");
    for (let first = 0; first <= piece.length; first++)
      for (let second = first; second <= piece.length; second++) {
        const { events } = eventsOf([piece.slice(0, first), piece.slice(first, second), piece.slice(second)]);
        if (events.join("|") !== EVENTS.slice(0, 3).join("|")) throw new Error(`cut at ${first} and ${second}`);
      }
  });

  test("says so while it is inside an event", () => {
    for (const text of ["d", "data: 1", "data: 1\n", "data: 1\r\n", "data: 1\r\n\r", "\r", ":"])
      expect([text, eventsOf([text]).buffer.isEmpty]).toEqual([text, false]);
  });

  test("of random lines and cuts is read as the standard reads it", () => {
    const next = random(11);
    const parts = ["data", ":", " ", "x", "\n", "\r\n", "\n\n", "\r\n\r\n", "data: y", ": note"];
    for (let round = 0; round < 3_000; round++) {
      let stream = "";
      const pieces: string[] = [];
      for (let count = next(14); count > 0; count--) {
        const part = parts[next(parts.length)] ?? "";
        stream += part;
        if (next(2) === 0) pieces.push(part);
        else pieces.push((pieces.pop() ?? "") + part);
      }
      expect([stream, eventsOf(pieces).events.map(eventData)]).toEqual([stream, dataByTheBook(stream)]);
    }
  });
});

describe("the data of an event", () => {
  test.each([
    ["data: 1\n\n", "1"],
    ["data:1\r\n\r\n", "1"],
    ["data:  1\n\n", " 1"],
    ["data: a\ndata:\ndata: b\n\n", "a\n\nb"],
    ["data\n\n", ""],
    ["data\r\n\r\n", ""],
    ["event: x\n: y\n\n", undefined],
    ["database: 1\n\n", undefined],
    ["\n", undefined],
  ])("of %j is %j", (event, data) => {
    expect(eventData(event)).toBe(data);
  });
});

describe("an event without an end", () => {
  test.each([
    ["a line", "x".repeat(1024)],
    ["short lines", "data: x\n".repeat(128)],
    ["short lines with CRLF", ": note\r\n".repeat(128)],
  ])("is found too long after 8 MiB of %s, in linear time", (_name, piece) => {
    const buffer = new EventBuffer();
    buffer.keep("data: ");
    let pieces = 0;
    while (!buffer.isTooLong) {
      const text = buffer.add(piece);
      expect(eventEnd(text, 0)).toBe(-1);
      buffer.keep(text);
      pieces++;
    }
    expect(pieces).toBeGreaterThan(7_000);
    expect(pieces).toBeLessThan(9_000);
  });
});
