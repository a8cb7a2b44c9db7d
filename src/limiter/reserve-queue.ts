/**
 * Reservations on their way to Redis: all asks of one turn of the event loop are sent as one command, with one time-out and one answer. With a command for each ask,
 * the commands took a fifth of the front's time, more than any other part of a small call, and Redis had to start a script each time.
 */
import { CommandTimeout } from "../redis/command-timeout.ts";
import { CODE, type StoreAnswer, type StoreAsk, StoreFailure } from "./store.ts";

interface Waiting {
  ask: StoreAsk;
  /** It was refused before, and asks again after the settlements of its pair have been delivered. */
  isSecond: boolean;
  resolve(answer: StoreAnswer): void;
  reject(failure: unknown): void;
}

export interface ReserveQueueOptions {
  /** No ask waits longer for its answer. */
  timeoutMs: number;
  /** A command may have only one pair: in a cluster the ring of another pair may be on another node. */
  onePair: boolean;
  /**
   * Sends asks to the store. `keys`: the pairs. `asks`: six numbers for each ask, in the order of `reserve.lua`, with a blank between two numbers.
   * @returns the text of the answer: six numbers for each ask.
   */
  send(keys: readonly string[], asks: string): Promise<unknown>;
  /** Whether the pair has settlements that the store has not confirmed: a refusal may be due to tokens that they give back. */
  isUnsettled(key: string): boolean;
  /** Delivers the settlements of a pair; resolves also where that failed. */
  settle(key: string): Promise<void>;
  /** The failure for a command that was not answered in time. */
  missed(): StoreFailure;
  /** Called once for each rejected command: the failure for its error. */
  failed(error: unknown): StoreFailure;
}

/** The most asks in one command: the script blocks Redis for about 5 µs for each ask. */
const MOST_ASKS = 128;
const FIELDS = 6;

export class ReserveQueue {
  readonly #options: ReserveQueueOptions;
  readonly #timeout: CommandTimeout;
  #gathered: Waiting[] = [];

  constructor(options: ReserveQueueOptions) {
    this.#options = options;
    this.#timeout = new CommandTimeout(options.timeoutMs);
  }

  /** @throws StoreFailure (rejects) */
  add(ask: StoreAsk): Promise<StoreAnswer> {
    return new Promise((resolve, reject) => this.#gather({ ask, isSecond: false, resolve, reject }));
  }

  #gather(waiting: Waiting): void {
    // Sent after all sockets of this turn have been read, so that calls which came together are sent together.
    if (this.#gathered.length === 0) setImmediate(() => this.#flush());
    this.#gathered.push(waiting);
  }

  #answer(waiting: Waiting, answer: StoreAnswer): void {
    const { ask, isSecond } = waiting;
    const isRefused = answer.code === CODE.requests || answer.code === CODE.tokens;
    if (isRefused && !isSecond && this.#options.isUnsettled(ask.key))
      void this.#options.settle(ask.key).then(() => this.#gather({ ...waiting, isSecond: true }));
    else waiting.resolve(answer);
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (this.#options.onePair) {
      const byKey = new Map<string, Waiting[]>();
      for (const waiting of gathered) {
        const same = byKey.get(waiting.ask.key);
        if (same === undefined) byKey.set(waiting.ask.key, [waiting]);
        else same.push(waiting);
      }
      for (const same of byKey.values()) this.#sendAll(same);
    } else this.#sendAll(gathered);
  }

  #sendAll(waiting: Waiting[]): void {
    if (waiting.length <= MOST_ASKS) this.#send(waiting);
    else for (let at = 0; at < waiting.length; at += MOST_ASKS) this.#send(waiting.slice(at, at + MOST_ASKS));
  }

  #send(batch: readonly Waiting[]): void {
    const keys: string[] = [];
    let asks = "";
    for (const { ask } of batch) {
      let index = keys.indexOf(ask.key) + 1;
      if (index === 0) index = keys.push(ask.key);
      asks += `${asks === "" ? "" : " "}${index} ${ask.rpm} ${ask.tpm} ${ask.requests} ${ask.tokens} ${ask.bound}`;
    }
    const late = (reply: unknown): void => {
      const answers = readAnswers(reply, batch.length);
      for (const [at, { ask }] of batch.entries()) ask.late?.(answers[at] as StoreAnswer);
    };
    this.#timeout
      .run(this.#options.send(keys, asks), this.#options.missed, late)
      .then((reply) => {
        const answers = readAnswers(reply, batch.length);
        for (let at = 0; at < batch.length; at++) this.#answer(batch[at] as Waiting, answers[at] as StoreAnswer);
      })
      .catch((error: unknown) => {
        const failure = this.#options.failed(error);
        for (const { reject } of batch) reject(failure);
      });
  }
}

/** @throws StoreFailure where the reply is not the expected number of numbers. */
function readAnswers(reply: unknown, count: number): StoreAnswer[] {
  const numbers = typeof reply === "string" ? readNumbers(reply) : [];
  if (numbers.length !== count * FIELDS) throw new StoreFailure("reply", "the reserve script gave an answer of another form");
  const answers: StoreAnswer[] = [];
  for (let at = 0; at < numbers.length; ) {
    answers.push({
      code: numbers[at++] as number,
      tick: numbers[at++] as number,
      requests: numbers[at++] as number,
      tokens: numbers[at++] as number,
      retryMs: numbers[at++] as number,
      resetMs: numbers[at++] as number,
    });
  }
  return answers;
}

const [BLANK, MINUS, ZERO] = [0x20, 0x2d, 0x30];

/** The whole numbers of a text, with one blank between; empty for any other text. It reads characters, because to split the text costs as much as the command. */
function readNumbers(text: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let sign = 1;
  let digits = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? BLANK : text.charCodeAt(at);
    if (code === BLANK && digits > 0) {
      numbers.push(sign * value);
      [value, sign, digits] = [0, 1, 0];
    } else if (code >= ZERO && code <= ZERO + 9) {
      value = value * 10 + code - ZERO;
      digits++;
    } else if (code === MINUS && digits === 0 && sign === 1) sign = -1;
    else return [];
  }
  return numbers;
}
