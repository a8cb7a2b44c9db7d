import { type ByteText, toByteText } from "../contract/bytes.ts";
import { asGatewayError } from "../contract/errors.ts";
import type { Body } from "../contract/http.ts";
import type { Answer } from "./answer.ts";

/** Checking a body of up to so many bytes costs less than reading its request, whatever the body holds. */
const QUICK_BYTES = 1024;

/** The time that one party may use in a turn of this thread while others wait for theirs: about what twenty small calls take. */
const SHARE_MS = 0.5;

/** What it takes to accept and close one connection, which a call on a kept connection does not need. */
const CONNECTION_MS = 0.25;

/** Parties that are remembered. One that is forgotten begins anew. */
const MOST_KNOWN = 10_000;
/** Calls of one party that begin at once in a millisecond: more than a thread can answer. */
const AT_ONCE = 16;

interface Party {
  /** Calls that began in the millisecond after `sinceMs`. */
  begun: number;
  sinceMs: number;
  /** Time used of its share: more than one share where a piece of work took longer. */
  usedMs: number;
  readonly waiting: (() => void)[];
}

/**
 * Work of this thread that a client can cause as often as it likes, and that takes longer than to read the request: each party, a workspace
 * for instance, has a share of every turn, and what it asks for beyond that waits until the others have had theirs. A thread that has nothing else to do
 * takes one turn after the other, so that the others are not slower for it.
 */
export class Turns {
  readonly #known = new Map<string, Party>();
  /** The parties that have used something of their share, or wait, in the order of their turns. */
  readonly #active = new Set<Party>();
  #isDue = false;

  /** Whether a call may begin at once; else it has to `run`. It costs next to nothing: every call asks. @param isFirst - the call came on a new connection */
  mayBegin(who: string, nowMs: number, isFirst: boolean): boolean {
    const party = this.#party(who);
    if (isFirst) this.#charge(party, CONNECTION_MS);
    if (party.waiting.length > 0 || party.usedMs >= SHARE_MS) return false;
    if (nowMs - party.sinceMs >= 1) {
      party.sinceMs = nowMs;
      party.begun = 0;
    }
    party.begun += 1;
    return party.begun <= AT_ONCE;
  }

  /** Work that was done for a party before it was known whose it is. */
  #charge(party: Party, spentMs: number): void {
    party.usedMs += spentMs;
    this.#active.add(party);
    this.#begin();
  }

  #begin(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#turn);
  }

  /** Has a small body checked, in a turn where it is not a tiny one; what the check throws is the answer. */
  check(who: string, body: Body, answer: Pick<Answer, "idle" | "fail">, check: (text: ByteText) => void): void {
    const text = typeof body === "string" ? body : toByteText(body);
    if (text.length <= QUICK_BYTES) check(text);
    else
      this.run(who, () => {
        // The work waited for its turn, and its client may have left meanwhile.
        if (answer.idle) return;
        try {
          check(text);
        } catch (thrown) {
          answer.fail(asGatewayError(thrown), undefined);
        }
      });
  }

  #party(who: string): Party {
    let party = this.#known.get(who);
    if (party === undefined) {
      party = { begun: 0, sinceMs: 0, usedMs: 0, waiting: [] };
      if (this.#known.size >= MOST_KNOWN) this.#known.clear();
      this.#known.set(who, party);
    }
    return party;
  }

  /** Does it now, or in a turn that comes. What the work throws is its own matter: it has to be caught there. */
  run(who: string, work: () => void): void {
    const party = this.#party(who);
    this.#active.add(party);
    if (party.waiting.length > 0 || party.usedMs >= SHARE_MS) party.waiting.push(work);
    else this.#do(party, work);
    this.#begin();
  }

  /** `run` for work that has a result. @throws (rejects) what the work throws */
  result<T>(who: string, work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.run(who, () => {
        try {
          resolve(work());
        } catch (thrown) {
          reject(thrown);
        }
      });
    });
  }

  #do(party: Party, work: () => void): void {
    const startedMs = performance.now();
    try {
      work();
    } finally {
      party.usedMs += performance.now() - startedMs;
    }
  }

  /** All of them together have one share of what waits, beginning with the one after the last. */
  readonly #turn = (): void => {
    this.#isDue = false;
    let leftMs = SHARE_MS;
    for (const party of [...this.#active]) {
      party.usedMs = Math.max(0, party.usedMs - SHARE_MS);
      if (leftMs > 0 && party.waiting.length > 0) {
        // The party goes to the end of the line.
        this.#active.delete(party);
        this.#active.add(party);
      }
      while (leftMs > 0 && party.usedMs < SHARE_MS) {
        const work = party.waiting.shift();
        if (work === undefined) break;
        const beforeMs = party.usedMs;
        this.#do(party, work);
        leftMs -= party.usedMs - beforeMs;
      }
      if (party.waiting.length === 0 && party.usedMs === 0) this.#active.delete(party);
    }
    if (this.#active.size > 0) this.#begin();
  };
}
