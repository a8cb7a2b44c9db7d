/**
 * What has to hold for all bytes of a client, over a connection without a socket: nothing is thrown, every cut of the same bytes gives the same verdict, and nothing is
 * left behind. And in comparison with the witness: where both take bytes for a request, both understand the same.
 */
import { deepEqual, equal } from "node:assert/strict";
import { HttpServer } from "../../../src/http/server.ts";
import { LAST } from "./cases.ts";
import { converse, echoing, PATIENT, refusing } from "./examined.ts";
import { input, random } from "./inputs.ts";
import { verdictOf } from "./verdict.ts";
import { settled, TestWire } from "./wire.ts";

const server = new HttpServer({
  clocks: PATIENT,
  maxConnections: 10_000,
  handle: echoing,
  refuse: refusing,
  onFault(thrown) {
    throw thrown;
  },
});

/** How it ended belongs to the verdict: a connection that stays open waits for more. */
async function read(pieces: readonly string[]): Promise<string[]> {
  const wire = new TestWire(server);
  for (const piece of pieces) {
    wire.send(piece);
    await settled();
  }
  // Of many requests some have a later turn of the event loop.
  for (let left = pieces.join("").split("HTTP/1.").length - 1; left > 16; left -= 16) await new Promise((resolve) => setImmediate(resolve));
  await settled();
  const state = wire.state === "open" ? "open" : "over";
  const verdict = verdictOf(wire.received);
  wire.connection?.ended();
  await settled();
  equal(wire.state, "closed");
  return [...verdict, state];
}

export async function fuzz(seed: number, count: number): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  const next = random(seed);
  for (let round = 0; round < count; round++) {
    const text = input(next);
    const whole = await read([text]);
    const at = next(text.length + 1);
    const second = at + next(text.length - at + 1);
    deepEqual(
      await read([text.slice(0, at), text.slice(at, second), text.slice(second)]),
      whole,
      JSON.stringify([seed, round, at, second, text]),
    );
    if (round % 50 === 0 && text.length < 600) deepEqual(await read([...text]), whole, JSON.stringify([seed, round, text]));
    const kind = whole.map((each) => each.slice(0, 3)).join(" ");
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }
  equal(server.count, 0);
  return seen;
}

/** Why the witness may refuse what ours takes: see `exceptions.ts`. */
const STRICTER: readonly RegExp[] = [
  // A method that is not on its list.
  /^(?!(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE) )/m,
  // A length in a trailer.
  /\r\n0+\r\n(?:.*\r\n)*?content-length/i,
  // What comes after a request that closes.
  /close|HTTP\/1\.0/i,
  /upgrade/i,
];

/** Sends the same to both. Gives how many requests were understood alike. */
export async function compare(port: number, seed: number, count: number, atOnce = 64): Promise<number> {
  const next = random(seed);
  let agreed = 0;
  const one = async (text: string): Promise<void> => {
    const own = await read([text]);
    own.pop();
    if (own[0]?.startsWith("200") !== true) return;
    const witness = verdictOf(await converse(port, [text], 400, true));
    for (const [index, answer] of own.entries()) {
      if (!answer.startsWith("200")) return;
      // An address as a proxy gets it is one thing to the witness, and another one to ours.
      const other = witness[index]?.replace(/^200 (\S+) https?:\/\/[^/?# ]*\/?/i, "200 $1 /");
      if (other === answer) agreed++;
      else if (other?.startsWith("200") === true)
        throw new Error(`understood in two ways: ${JSON.stringify({ seed, text, own, witness })}`);
      else if (STRICTER.some((reason) => reason.test(text.slice(0, -LAST.length)))) return;
      else throw new Error(`refused by the witness: ${JSON.stringify({ seed, text, own, witness })}`);
    }
  };
  for (let left = count; left > 0; left -= atOnce) {
    const texts = Array.from({ length: Math.min(left, atOnce) }, () => input(next));
    await Promise.all(texts.map(one));
  }
  return agreed;
}
