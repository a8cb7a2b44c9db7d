import { Buffer } from "node:buffer";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { LineBatch } from "./batch.ts";
import { type LogFormat, readable } from "./readable.ts";

export type { Logger };

export interface Log {
  log: Logger;
  /** For lines that are written by hand: those of calls. */
  lines: LineBatch;
  /** Puts whole lines that others have written among its own. */
  forward(lines: string): void;
  /** Writes what is left and closes; for half a second at most, as whoever reads may have gone, or stand still. The last thing before an end. */
  end(): Promise<void>;
}

const END_MS = 500;
/** What waits for a reader that stands still. Access lines beyond it are dropped, and the log says how much; there are few others, and all are kept. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

/**
 * The log: one JSON line per event (or, for a person, one readable line) on standard output, buffered, so that a busy gateway does not wait for its log.
 * What is written there is chosen field by field; nothing here can serialise a request, a key or a configuration by accident.
 * @param base - Fields of every line.
 */
export function createLog(level: string = "info", base: Record<string, number> | null = null, format: LogFormat = "json"): Log {
  // As texts, lines would be encoded three times over, once only to learn how long they are.
  const sink = destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200, contentMode: "buffer" });
  let ended: Promise<void> | undefined;
  let [waiting, dropped] = [0, 0];
  // A closed pipe (`weir | head`) must not take the gateway with it.
  sink.on("error", () => {});
  sink.on("write", (bytes: number) => {
    waiting -= bytes;
  });
  const write = (text: string): void => {
    // Afterwards calls that are left may still end, and timers come due; the sink would throw.
    if (ended !== undefined) return;
    const bytes = Buffer.from(format === "text" ? readable(text) : text);
    waiting += bytes.length;
    // Its type knows texts only.
    sink.write(bytes as unknown as string);
  };
  const tellDropped = (): void => {
    if (dropped === 0) return;
    const bytes = dropped;
    dropped = 0;
    log.error({ dropped_bytes: bytes }, "nobody read the log for a while, and access lines are missing before this one");
  };
  const writeIfRead = (text: string): void => {
    if (waiting > MOST_WAITING_BYTES) dropped += Buffer.byteLength(text);
    else {
      tellDropped();
      write(text);
    }
  };
  const log = pino(
    { level, base, messageKey: "message", timestamp: stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    {
      // What happened before an event stands before it.
      write: (line: string) => {
        lines.flush();
        write(line);
      },
    },
  );
  const lines = new LineBatch({ write: writeIfRead, takes: (lineLevel) => log.isLevelEnabled(lineLevel) });
  // Not by the sink's own `flushSync`: that one tries for ever where nobody reads any more.
  const end = (): Promise<void> => {
    lines.flush();
    tellDropped();
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
