import { Buffer } from "node:buffer";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { AccessLog } from "./access-log.ts";

export type { Logger };

export interface Log {
  log: Logger;
  accessLog: AccessLog;
  /** Puts whole lines that others have written among its own. */
  forward(lines: string): void;
  /** Writes what is left and closes; for half a second at most, as whoever reads may have gone, or stand still. The last thing before an end. */
  end(): Promise<void>;
}

const END_MS = 500;
/** What is kept for a reader that stands still; lines beyond it are dropped, and it is told how much. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * The log: one JSON line per event on standard output, buffered, so that a busy gateway does not wait for its log.
 * What is written there is chosen field by field; nothing here can serialise a request, a key or a configuration by accident.
 * @param base - Fields of every line.
 */
export function createLog(level: string = "info", base: Record<string, number> | null = null): Log {
  const sink = destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200, maxLength: MOST_BYTES, contentMode: "buffer" });
  let ended: Promise<void> | undefined;
  let dropped = 0;
  // A closed pipe (`weir | head`) must not take the gateway with it.
  sink.on("error", () => {});
  sink.on("drop", (lines: Uint8Array) => {
    dropped += lines.byteLength;
  });
  sink.on("drain", () => {
    if (dropped === 0 || ended !== undefined) return;
    const bytes = dropped;
    dropped = 0;
    log.warn({ dropped_bytes: bytes }, "the log was not read for a while: lines are missing here");
  });
  const write = (lines: Uint8Array): void => {
    // Afterwards calls that are left may still end, and timers come due; the sink would throw. Its type knows texts only.
    if (ended === undefined) sink.write(lines as unknown as string);
  };
  const log = pino(
    { level, base, messageKey: "message", timestamp: stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    {
      // What happened before an event stands before it.
      write: (line: string) => {
        accessLog.flush();
        write(Buffer.from(line));
      },
    },
  );
  const accessLog = new AccessLog({ write, takes: (lineLevel) => log.isLevelEnabled(lineLevel) }, base ?? {});
  // Not by the sink's own `flushSync`: that one tries for ever where nobody reads any more.
  const end = (): Promise<void> => {
    accessLog.flush();
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
    accessLog,
    forward: (lines) => write(Buffer.from(lines)),
    end: () => {
      ended ??= end();
      return ended;
    },
  };
}
