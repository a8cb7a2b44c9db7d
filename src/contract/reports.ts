/** Messages from a worker to the front; see `messages.ts`. */
import type { ByteText } from "./bytes.ts";
import type { CallEvents, Ended } from "./call.ts";
import type { Envelope } from "./dialect.ts";
import { type ErrorKind, type FailureDetail, GatewayError } from "./errors.ts";
import { type Bit, type Flat, fieldReader, type Length } from "./messages.ts";

/** How a call ended (`Ended`). */
type EndedFields = [
  input: number,
  output: number,
  cacheRead: number,
  cacheWrite: number,
  cacheWriteHour: number,
  reasoning: number,
  firstByteMs: number,
  upstreamMs: number,
  upstreamRequestId: string,
  estimate: number,
  unfinished: string,
  attempts: number,
];

/** The fields of each report, in the order in which they cross. `detail` is JSON of `FailureDetail`. */
interface ReportFields {
  /** The answer is a stream, and this is its beginning. */
  open: [id: number, text: ByteText];
  /** More of the stream. */
  chunk: [id: number, text: ByteText];
  /** The whole answer of a call that does not stream; `done` follows. */
  answer: [id: number, text: ByteText];
  /** The body is good, and the call waits for `go` or `cancel`. The estimate is of the input, before any factor. */
  weighed: [
    id: number,
    model: string,
    stream: Bit,
    maxTokens: number,
    previous: string,
    conversation: number,
    estimate: number,
    user: ByteText,
  ];
  /** The request of a call has left for its upstream. Only for calls that asked for this report. */
  sent: [id: number];
  /** The guess at the input of a running call was far off: this is the estimate, times the factor. */
  estimated: [id: number, inputTokens: number];
  /** Names that were left out of the request, since its model does not take them; comes before all other reports of the answer. */
  dropped: [id: number, names: string];
  /** The cloud's guardrail has blocked or changed the answer; comes before the text that it has changed. */
  guarded: [id: number];
  /** The same as `fail`, for a call that another target may serve: the client has seen nothing, and the call waits for `go` or `cancel`. */
  missed: [id: number, kind: ErrorKind, detail: string, ...EndedFields];
  /** The call ended well, or was cancelled. */
  done: [id: number, ...EndedFields];
  /** The call failed, before or after its first byte. */
  fail: [id: number, kind: ErrorKind, detail: string, ...EndedFields];
  /** The configuration is in force. */
  ready: [];
  /** Sent twice a second: how late the worker's event loop is, and how many orders it has taken so far. */
  pulse: [lagMs: number, taken: number];
  /** Something for the log that ended no call. */
  notice: [text: string];
  /** What a refusal has taught: about which target, as a text for the other workers, and as a text for the log. */
  lesson: [target: number, taught: string, text: string];
}

/** The first field of each report: its kind. Kinds that belong to a call come first. */
const REPORT = {
  open: 0,
  chunk: 1,
  answer: 2,
  weighed: 3,
  sent: 4,
  estimated: 5,
  dropped: 6,
  guarded: 7,
  missed: 8,
  done: 9,
  fail: 10,
  ready: 11,
  pulse: 12,
  notice: 13,
  lesson: 14,
} as const satisfies Record<keyof ReportFields, number>;

const LENGTHS: { readonly [Name in keyof ReportFields as (typeof REPORT)[Name]]: Length<ReportFields[Name]> } = {
  [REPORT.open]: 3,
  [REPORT.chunk]: 3,
  [REPORT.answer]: 3,
  [REPORT.weighed]: 9,
  [REPORT.sent]: 2,
  [REPORT.estimated]: 3,
  [REPORT.dropped]: 3,
  [REPORT.guarded]: 2,
  [REPORT.missed]: 16,
  [REPORT.done]: 14,
  [REPORT.fail]: 16,
  [REPORT.ready]: 1,
  [REPORT.pulse]: 3,
  [REPORT.notice]: 2,
  [REPORT.lesson]: 4,
};

function write<Name extends keyof ReportFields>(message: Flat, name: Name, ...fields: ReportFields[Name]): void {
  message.push(REPORT[name], ...fields);
}

const field = fieldReader<ReportFields>();

export function reportOpen(message: Flat, id: number, text: ByteText): void {
  message.push(REPORT.open, id, text);
}

/** There are thousands of these reports in a second, so they are written without an array of fields. */
export function reportChunk(message: Flat, id: number, text: ByteText): void {
  message.push(REPORT.chunk, id, text);
}

export function reportAnswer(message: Flat, id: number, text: ByteText): void {
  write(message, "answer", id, text);
}

export function reportWeighed(
  message: Flat,
  id: number,
  { model, stream, maxTokens, previous = "" }: Envelope,
  conversation: number,
  estimate: number,
  user: ByteText,
): void {
  write(message, "weighed", id, model, stream ? 1 : 0, maxTokens, previous, conversation, estimate, user);
}

export function reportSent(message: Flat, id: number): void {
  write(message, "sent", id);
}

export function reportEstimated(message: Flat, id: number, inputTokens: number): void {
  write(message, "estimated", id, inputTokens);
}

export function reportDropped(message: Flat, id: number, names: string): void {
  write(message, "dropped", id, names);
}

export function reportGuarded(message: Flat, id: number): void {
  write(message, "guarded", id);
}

export function reportMissed(message: Flat, id: number, kind: ErrorKind, detail: FailureDetail, ended: Ended): void {
  write(message, "missed", id, kind, JSON.stringify(detail), ...endedFields(ended));
}

export function reportDone(message: Flat, id: number, ended: Ended): void {
  write(message, "done", id, ...endedFields(ended));
}

export function reportFail(message: Flat, id: number, kind: ErrorKind, detail: FailureDetail, ended: Ended): void {
  write(message, "fail", id, kind, JSON.stringify(detail), ...endedFields(ended));
}

export function reportReady(message: Flat): void {
  write(message, "ready");
}

export function reportPulse(message: Flat, lagMs: number, taken: number): void {
  write(message, "pulse", lagMs, taken);
}

export function reportNotice(message: Flat, text: string): void {
  write(message, "notice", text);
}

/** @param taught - For the other workers; only the target's adapter reads it (`Adapter.taught`). */
export function reportLesson(message: Flat, target: number, taught: string, text: string): void {
  write(message, "lesson", target, taught, text);
}

/** A call, as the receiver of a worker's reports knows it. */
interface Heard {
  /** The receiver of its reports. */
  readonly events: CallEvents;
}

/** Receives a worker's reports. */
export interface ReportTaker<Call extends Heard> {
  /** The call of this id; undefined where its reports are not wanted any more. */
  call(id: number): Call | undefined;
  /** The last report of the call comes next. */
  over(call: Call): void;
  ready(): void;
  pulse(lagMs: number, taken: number): void;
  notice(text: string): void;
  lesson(target: number, taught: string, text: string): void;
  /** A report could not be handled; the others still are. `call`: undefined for a report that belongs to no call. */
  failed(call: Call | undefined, thrown: unknown): void;
}

/** Hands on every report of a message. */
export function readReports<Call extends Heard>(message: Flat, taker: ReportTaker<Call>): void {
  for (let at = 0; at < message.length; ) {
    const kind = message[at] as keyof typeof LENGTHS;
    const isOfCall = kind <= REPORT.fail;
    const call = isOfCall ? taker.call(message[at + 1] as number) : undefined;
    try {
      if (call !== undefined) readOfCall(kind, message, at, taker, call);
      else if (!isOfCall) readOther(kind, message, at, taker);
    } catch (thrown) {
      taker.failed(call, thrown);
    }
    at += LENGTHS[kind];
  }
}

function readOfCall<Call extends Heard>(kind: keyof typeof LENGTHS, message: Flat, at: number, taker: ReportTaker<Call>, call: Call): void {
  const { events } = call;
  switch (kind) {
    case REPORT.chunk:
      events.chunk(field(message, at, "chunk", 1));
      return;
    case REPORT.open:
      events.open(field(message, at, "open", 1));
      return;
    case REPORT.answer:
      events.answer(field(message, at, "answer", 1));
      return;
    case REPORT.done: {
      taker.over(call);
      events.done(endedAt(message, at + 2));
      return;
    }
    case REPORT.fail: {
      taker.over(call);
      events.fail(failureOf(field(message, at, "fail", 1), field(message, at, "fail", 2)), endedAt(message, at + 4));
      return;
    }
    case REPORT.missed:
      events.missed(failureOf(field(message, at, "missed", 1), field(message, at, "missed", 2)), endedAt(message, at + 4));
      return;
    case REPORT.weighed: {
      const [model, stream] = [field(message, at, "weighed", 1), field(message, at, "weighed", 2) === 1];
      const [maxTokens, previous] = [field(message, at, "weighed", 3), field(message, at, "weighed", 4)];
      const [conversation, estimate] = [field(message, at, "weighed", 5), field(message, at, "weighed", 6)];
      events.weighed({ model, stream, maxTokens, previous }, conversation, estimate, field(message, at, "weighed", 7));
      return;
    }
    case REPORT.sent:
      events.sent();
      return;
    case REPORT.estimated:
      events.estimated(field(message, at, "estimated", 1));
      return;
    case REPORT.dropped:
      events.dropped(field(message, at, "dropped", 1));
      return;
    case REPORT.guarded:
      events.guarded();
  }
}

function readOther(kind: keyof typeof LENGTHS, message: Flat, at: number, taker: ReportTaker<Heard>): void {
  switch (kind) {
    case REPORT.ready:
      taker.ready();
      return;
    case REPORT.pulse:
      taker.pulse(field(message, at, "pulse", 0), field(message, at, "pulse", 1));
      return;
    case REPORT.notice:
      taker.notice(field(message, at, "notice", 0));
      return;
    case REPORT.lesson:
      taker.lesson(field(message, at, "lesson", 0), field(message, at, "lesson", 1), field(message, at, "lesson", 2));
  }
}

function endedFields({ usage, firstByteMs, upstreamMs, upstreamRequestId, estimate, unfinished, attempts }: Ended): EndedFields {
  const { input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning } = usage;
  const counts = [input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning] as const;
  return [...counts, firstByteMs, upstreamMs, upstreamRequestId, estimate, unfinished, attempts];
}

function endedField<Index extends number>(message: Flat, at: number, index: Index): EndedFields[Index] {
  return message[at + index] as EndedFields[Index];
}

/** @param at - The place of the first of its fields. */
function endedAt(message: Flat, at: number): Ended {
  return {
    usage: {
      input: endedField(message, at, 0),
      output: endedField(message, at, 1),
      cacheRead: endedField(message, at, 2),
      cacheWrite: endedField(message, at, 3),
      cacheWriteHour: endedField(message, at, 4),
      reasoning: endedField(message, at, 5),
    },
    firstByteMs: endedField(message, at, 6),
    upstreamMs: endedField(message, at, 7),
    upstreamRequestId: endedField(message, at, 8),
    estimate: endedField(message, at, 9),
    unfinished: endedField(message, at, 10),
    attempts: endedField(message, at, 11),
  };
}

function failureOf(kind: ErrorKind, detail: string): GatewayError {
  return new GatewayError(kind, JSON.parse(detail) as FailureDetail);
}
