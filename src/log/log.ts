import { Buffer } from "node:buffer";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { LineBatch } from "./batch.ts";
import { type LogFormat, readable } from "./readable.ts";

export type { Logger };

export interface Log {
  log: Logger;
  /** For lines that their writer formats itself: the access log. */
  lines: LineBatch;
  /** Writes whole lines of another process among this log's own. */
  forward(lines: string): void;
  /** Writes what is left and closes. Takes half a second at most, because the reader of the output may be slow or gone. To be called last. */
  end(): Promise<void>;
}

const END_MS = 500;
/** Most bytes that wait for a slow reader. Access lines beyond it are dropped, and the log says how many; other lines are few and are all kept. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * The log: one JSON line per event (or, for a person, one readable line) on standard output, buffered, so that a busy gateway does not wait for its log.
 * The writer of an event chooses its fields one by one, so that no request, key or configuration is written by accident.
 * @param base - Fields of every line.
 */
export function createLog(level: string = "info", base: Record<string, number> | null = null, format: LogFormat = "json"): Log {
  // Bytes, not text: a text would be encoded three times, once only to find its length.
  const sink = destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200, contentMode: "buffer" });
  let ended: Promise<void> | undefined;
  let [waiting, dropped] = [0, 0];
  // A closed pipe (`weir | head`) must not end the gateway.
  sink.on("error", () => {});
  sink.on("write", (bytes: number) => {
    waiting -= bytes;
  });
  const write = (text: string): void => {
    // After the end, calls may still finish and timers may fire; the sink would throw.
    if (ended !== undefined) return;
    const bytes = Buffer.from(format === "text" ? readable(text) : text);
    waiting += bytes.length;
    // The sink's type knows only texts.
    sink.write(bytes as unknown as string);
  };
  const reportDropped = (): void => {
    if (dropped === 0) return;
    const bytes = dropped;
    dropped = 0;
    log.error({ dropped_bytes: bytes }, "the log was not read for a while: access lines are missing before this one");
  };
  const writeIfRead = (text: string): void => {
    if (waiting > MOST_WAITING_BYTES) dropped += Buffer.byteLength(text);
    else {
      reportDropped();
      write(text);
    }
  };
  const log = pino(
    { level, base, messageKey: "message", timestamp: stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    {
      // Lines of the batch happened before this event, so they are written first.
      write: (line: string) => {
        lines.flush();
        write(line);
      },
    },
  );
  const lines = new LineBatch({ write: writeIfRead, takes: (lineLevel) => log.isLevelEnabled(lineLevel) });
  // Not by the sink's own `flushSync`: it tries for ever where the reader has gone.
  const end = (): Promise<void> => {
    lines.flush();
    reportDropped();
    return new Promise((resolve) => {
      const over = (): void => {
        sink.destroy();
        resolve();
      };
      sink.once("close", over);
      sink.once("error", over);
      setTimeout(over, END_MS);
      sink.end();
    });
  };
  return {
    log,
    lines,
    forward: writeIfRead,
    end: () => {
      ended ??= end();
      return ended;
    },
  };
}
