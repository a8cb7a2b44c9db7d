/** One input from a seed and its number: the bytes that a client sends, how, and what may come of them. */
import { Dice, mixed } from "./dice.ts";
import { framed, packets } from "./framing.ts";
import { type Fields, methodOf, mutateFields, targetOf } from "./heads.ts";
import { questionOf } from "./questions.ts";
import { bodyFrom } from "./texts.ts";

export interface Input {
  method: string;
  target: string;
  packets: Buffer[];
  /** Milliseconds between two packets. */
  pauseMs: number;
  /** What the client does when it has sent all: waits for the answer, says that nothing more comes, or goes. */
  afterwards: "wait" | "end" | "leave";
  /** It is good HTTP, and complete: it has to be answered. */
  isSound: boolean;
  /** The upstream was asked to fail: a 5xx is its own. */
  isTold: boolean;
  /** There is a second request behind it, and both may be answered. */
  isFollowed: boolean;
  /** The client would use the connection again: what follows must not be taken for a part of this request. */
  isKept: boolean;
}

/** Keys that inputs may have. The workspace of the first key never meets its limits, that of the second soon does. */
export interface Keys {
  free: string;
  limited: string;
  unknown: string;
}

const SLOW_MS = 15;
/** Most bytes of a head that a server takes. */
const MOST_HEAD = 16_000;

/** @param filler - Bytes that make a body too large for the front to check by itself (16 KiB), and at times than the gateway takes. */
export function inputOf(seed: number, index: number, keys: Keys, filler: Buffer): Input {
  const dice = new Dice(mixed(seed, index));
  const isTold = dice.chance(0.06);
  const question = questionOf(dice, isTold);
  const method = methodOf(question.method, dice);
  const target = targetOf(question.path, dice);
  let body = question.body === undefined ? undefined : bodyFrom(question.body, dice);
  if (body !== undefined && dice.chance(0.03)) {
    // White space in front is JSON too: the body is good, and large.
    const length = dice.pick([65_536 - body.length, 65_537, 200_000, filler.length]);
    body = Buffer.concat([filler.subarray(0, Math.max(0, length)), body]);
  }
  const framing = framed(body, dice);
  const isKept = dice.chance(0.4);
  const fields: Fields = [
    ["host", "weir.test"],
    ["authorization", `Bearer ${dice.pick([keys.free, keys.free, keys.free, keys.free, keys.limited, keys.unknown])}`],
    ["content-type", "application/json"],
    ...(isKept ? [] : [["connection", "close"] as [string, string]]),
  ];
  const areFieldsSound = mutateFields(fields, Object.values(keys), dice);
  fields.splice(dice.below(fields.length + 1), 0, ...framing.fields);
  const isHttp1 = !dice.chance(0.02);
  const version = isHttp1
    ? "HTTP/1.1"
    : dice.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "http/1.1", "HTTP/11", "", "HTTP/1.1 "]);
  const lineEnd = dice.chance(0.01) ? "\n" : "\r\n";
  const head = [
    `${method.value} ${target.value} ${version}`,
    ...fields.map(([name, value]) => `${name}:${dice.chance(0.03) ? "" : " "}${value}`),
    "",
    "",
  ].join(lineEnd);
  const isHead = method.isSound && target.isSound && areFieldsSound && isHttp1 && lineEnd === "\r\n" && head.length < MOST_HEAD;
  const isSound = isHead && framing.isSound && framing.isComplete;
  let bytes = Buffer.concat([Buffer.from(head), framing.body]);
  const isCutShort = dice.chance(0.02);
  if (isCutShort) bytes = bytes.subarray(0, dice.below(bytes.length) + 1);
  const isWhole = framing.isComplete && !isCutShort;
  return {
    method: method.value,
    target: target.value,
    packets: packets(bytes, dice),
    pauseMs: dice.chance(0.1) ? dice.between(1, SLOW_MS) : 0,
    // Where the request is not whole, the client does not wait for an answer that may not come. Some clients leave although all is well.
    afterwards: isWhole && isSound ? (dice.chance(0.03) ? "leave" : "wait") : dice.pick(["end", "end", "leave"]),
    isSound: isSound && !isCutShort,
    isTold,
    isFollowed: framing.isFollowed === true,
    isKept,
  };
}
