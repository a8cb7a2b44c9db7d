import { describe, expect, test } from "bun:test";
import { decodeUtf8, encodeUtf8 } from "../../../src/contract/bytes.ts";
import { editMembers, editNested, members, memberValue } from "../../../src/contract/json.ts";
import { cpuMsOf } from "../../support/clock.ts";

/** mulberry32: the same documents on every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Random documents as text, in every spelling that JSON allows. */
function documents(seed: number) {
  const random = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const space = () => pick(["", "", "", " ", "\n  ", "\t", "\r\n", " \n\t "]);
  const string = () => {
    const pieces = [
      "a",
      "model",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      " ",
      '\\"',
      "\\\\",
      "\\n",
      "\\u0041",
      "\\ud83d\\ude00",
      encodeUtf8("é"),
      encodeUtf8("你好"),
      "\\/",
      "'",
    ];
    return `"${Array.from({ length: Math.floor(random() * 6) }, () => pick(pieces)).join("")}"`;
  };
  const value = (depth: number): string => {
    const kind = random();
    if (kind < 0.3) return string();
    if (kind < 0.5) return pick(["0", "-1", "9007199254740993", "123456789012345678901234567890", "1.50", "1e400", "-0.0", "2E+3"]);
    if (kind < 0.6 || depth > 4) return pick(["true", "false", "null"]);
    const items = Array.from({ length: Math.floor(random() * 4) });
    if (kind < 0.8) return `[${items.map(() => space() + value(depth + 1) + space()).join(",") || space()}]`;
    return object(depth + 1, items.length);
  };
  const key = () => pick(['"model"', '"stream"', '"a"', '"b"', '"mod\\u0065l"', '"__proto__"', '""', string(), string()]);
  const object = (depth: number, size: number): string => {
    const all = Array.from({ length: size }, () => `${space()}${key()}${space()}:${space()}${value(depth)}${space()}`);
    return `{${all.join(",") || space()}}`;
  };
  return { pick, random, next: () => space() + object(0, Math.floor(random() * 7)) + space(), value: () => value(2) };
}

const own = (text: string) => new Map(Object.entries(JSON.parse(text) as object));

describe("members", () => {
  test("finds what JSON.parse finds, in order, on random documents", () => {
    const source = documents(1);
    for (let round = 0; round < 3000; round++) {
      const text = source.next();
      const found = members(text);
      const read = new Map(found.map(({ key, start, end }) => [key, JSON.parse(text.slice(start, end)) as unknown]));
      expect(Object.fromEntries([...read].map(([key, value]) => [`:${key}`, value]))).toEqual(
        Object.fromEntries([...own(text)].map(([key, value]) => [`:${key}`, value])),
      );
      for (const { key, keyStart, start } of found) expect(JSON.parse(text.slice(keyStart, text.lastIndexOf(":", start - 1)))).toBe(key);
    }
  });

  test("keeps duplicates apart, however the key is spelled", () => {
    expect(members('{"model":1,"mod\\u0065l":2}').map(({ key }) => key)).toEqual(["model", "model"]);
    expect(memberValue('{"model":1,"mod\\u0065l":2}', "model")).toBe("2");
    expect(memberValue('{"a":{"model":1}}', "model")).toBeUndefined();
  });

  test("does not throw, loop or recurse on text that is not JSON, at any cut of a document", () => {
    const text = '{"a\\"b" : [1,{"x":"\\\\"}] , "c":"}{", "d":-1e5,"e":{"f":[[]]},"g":null}';
    for (let end = 0; end <= text.length; end++) members(text.slice(0, end));
    const random = randomFrom(2);
    const alphabet = '{}[]",:\\ tn1u-é\n';
    for (let round = 0; round < 20_000; round++) {
      const noise = Array.from({ length: 24 }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
      members(noise);
      editMembers(noise, { remove: ["a"], rename: { t: "u" }, set: { n: "1" } });
      editNested(noise, "t", { set: { n: "1" } });
    }
  });

  test("stays linear on hostile text", () => {
    const hostile = [
      `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
      '{"a":'.repeat(200_000),
      `{"a":"${"\\\\".repeat(1_000_000)}"}`,
      `{"a":"${'\\"'.repeat(1_000_000)}"}`,
      `{"a":"${"\\".repeat(2_000_000)}`,
      `{"a":"${"x".repeat(5_000_000)}"}`,
    ];
    const tookMs = cpuMsOf(() => {
      for (const text of hostile) members(text);
    });
    expect(tookMs).toBeLessThan(1000);
  });
});

describe("editMembers", () => {
  test("changes what was asked for and nothing else, on random documents", () => {
    const source = documents(3);
    const names = ["model", "stream", "a", "b", "__proto__", "fresh", ""];
    for (let round = 0; round < 3000; round++) {
      const text = source.next();
      const remove = names.filter(() => source.random() < 0.3);
      const set = Object.fromEntries(
        names.filter((name) => name !== "__proto__" && source.random() < 0.2).map((name) => [name, source.value()]),
      );
      const edited = editMembers(text, { remove, set });
      const expected = own(text);
      for (const name of remove) expected.delete(name);
      for (const [name, value] of Object.entries(set)) expected.set(name, JSON.parse(value));
      expect(Object.fromEntries([...own(edited)].map(([key, value]) => [`:${key}`, value]))).toEqual(
        Object.fromEntries([...expected].map(([key, value]) => [`:${key}`, value])),
      );
      // Untouched members keep their spelling, byte for byte.
      const spelled = (from: string) =>
        members(from)
          .filter(({ key }) => !remove.includes(key) && !(key in set))
          .map(({ keyStart, end }) => from.slice(keyStart, end));
      expect(spelled(edited)).toEqual(spelled(text));
    }
  });

  test("without edits gives back the same text", () => {
    const source = documents(4);
    for (let round = 0; round < 500; round++) {
      const text = source.next();
      expect(editMembers(text, {})).toBe(text);
      expect(editMembers(text, { remove: ["absent"], rename: { absent: "x" } })).toBe(text);
    }
  });

  test.each([
    ['{"model":"m","stream":true}', '{"v":1}'],
    ['{ "model" : "m" , "n" : 9007199254740993 }', '{ "n" : 9007199254740993,"v":1 }'],
    ['{"n":1,"model":"m"}', '{"n":1,"v":1}'],
    ['{"n":1,"model":"m","stream":false,"o":2.50}', '{"n":1,"o":2.50,"v":1}'],
    ["{}", '{"v":1}'],
    [" { } ", ' {"v":1 } '],
    ['{"v":{"deep":[1,2]},"model":1}', '{"v":1}'],
    ["[1]", "[1]"],
  ])("%s without model and stream, with v, is %s", (text, edited) => {
    expect(editMembers(text, { remove: ["model", "stream"], set: { v: "1" } })).toBe(edited);
  });

  test("renames a member in place", () => {
    expect(editMembers('{"max_tokens" : 5,"x":1}', { rename: { max_tokens: "max_completion_tokens" } })).toBe(
      '{"max_completion_tokens" : 5,"x":1}',
    );
  });

  test("changes both members where a name is there twice", () => {
    expect(editMembers('{"a":1,"b":2,"a":3}', { set: { a: "0" } })).toBe('{"a":0,"b":2,"a":0}');
    expect(editMembers('{"a":1,"b":2,"a":3}', { remove: ["a"] })).toBe('{"b":2}');
  });

  test("keeps bytes beyond ASCII", () => {
    const text = encodeUtf8('{"model":"x","text":"naïve 你好 😀"}');
    expect(decodeUtf8(editMembers(text, { remove: ["model"] }))).toBe('{"text":"naïve 你好 😀"}');
  });
});

test.each([
  ['{"stream_options":{"include_usage":false,"x":1}}', '{"stream_options":{"include_usage":true,"x":1}}'],
  ['{"stream_options":null}', '{"stream_options":{"include_usage":true}}'],
  ['{"stream":true}', '{"stream":true,"stream_options":{"include_usage":true}}'],
])("include_usage set inside %s gives %s", (text, edited) => {
  expect(editNested(text, "stream_options", { set: { include_usage: "true" } })).toBe(edited);
});
