import { type ByteText, toByteText } from "../../contract/bytes.ts";
import { asGatewayError, type GatewayError } from "../../contract/errors.ts";
import type { Body } from "../../contract/http.ts";

/** To check a body of up to so many bytes costs less than to read its request, whatever the body holds. */
const QUICK_BYTES = 1024;

/** The time that one party may use in a turn of this thread while other parties wait: about the time of twenty small calls. */
const SHARE_MS = 0.5;

/** The time that it costs to accept and to close a connection. A call on a connection that is already open does not need it. */
const CONNECTION_MS = 0.25;

/** The most parties that are remembered. With more, all are forgotten, and each begins again with a whole share. */
const MOST_KNOWN = 10_000;
/** The most calls of one party that begin at once in a millisecond: more than a thread can answer in that time. */
const AT_ONCE = 16;

interface Party {
  /** Calls that began in the millisecond after `sinceMs`. */
  begun: number;
  sinceMs: number;
  /** The time that the party has used of its share: more than a whole share where one piece of work took longer. */
  usedMs: number;
  readonly waiting: (() => void)[];
}

/** The part of an answer that a check needs. */
interface Answerable {
  /** No client waits for the answer. */
  readonly idle: boolean;
  fail(error: GatewayError, ended: undefined): void;
}

/**
 * Shares out the time of this thread. It is for work that a client can cause as often as it likes, and that takes longer than to read the request. Each party, for
 * example a workspace, has a share of every turn of the thread; work beyond the share waits until the other parties have had theirs. While no other work waits, the
 * turns follow one another without a pause, so a party that is alone loses no time.
 */
export class Turns {
  readonly #known = new Map<string, Party>();
  /** The parties that have used some of their share, or wait, in the order of their turns. */
  readonly #active = new Set<Party>();
  /** The next turn has been ordered. */
  #isDue = false;

  /**
   * Whether a call may begin at once; otherwise it must begin by `run` or `result`. Every call asks, so this costs next to nothing.
   * @param isFirst - The call came on a new connection, whose cost is charged to the party.
   */
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

  /** Checks a small body: a tiny one at once, any other in a turn. An error of a check in a turn becomes the answer; one of a check at once is thrown. */
  check(who: string, body: Body, answer: Answerable, check: (text: ByteText) => void): void {
    const text = typeof body === "string" ? body : toByteText(body);
    if (text.length <= QUICK_BYTES) check(text);
    else
      this.run(who, () => {
        // The client may have left while the check waited for its turn.
        if (answer.idle) return;
        try {
          check(text);
        } catch (thrown) {
          answer.fail(asGatewayError(thrown), undefined);
        }
      });
  }

  /** Does the work now, or in a later turn. The work must catch its own errors. */
  run(who: string, work: () => void): void {
    const party = this.#party(who);
    this.#active.add(party);
    if (party.waiting.length > 0 || party.usedMs >= SHARE_MS) party.waiting.push(work);
    else this.#do(party, work);
    this.#orderTurn();
  }

  /** `run` for work with a result. @throws (rejects) the error of the work */
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

  #party(who: string): Party {
    let party = this.#known.get(who);
    if (party === undefined) {
      party = { begun: 0, sinceMs: 0, usedMs: 0, waiting: [] };
      if (this.#known.size >= MOST_KNOWN) this.#known.clear();
      this.#known.set(who, party);
    }
    return party;
  }

  /** Charges work to a party that was done before it was known whose work it is. */
  #charge(party: Party, spentMs: number): void {
    party.usedMs += spentMs;
    this.#active.add(party);
    this.#orderTurn();
  }

  #do(party: Party, work: () => void): void {
    const startedMs = performance.now();
    try {
      work();
    } finally {
      party.usedMs += performance.now() - startedMs;
    }
  }

  #orderTurn(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#turn);
  }

  /** Gives every party a new share, and does waiting work for the time of one share in all, beginning with the party that has waited longest for its turn. */
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
    if (this.#active.size > 0) this.#orderTurn();
  };
}
