import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { AccessLog } from "./access-log.ts";

export type { Logger };

export interface Log {
  log: Logger;
  accessLog: AccessLog;
  /** Puts whole lines that others have written among its own. */
  forward(lines: string): void;
  flush(): void;
}

/**
 * The log: one JSON line per event on standard output, buffered, so that a busy gateway does not wait for its log.
 * What is written there is chosen field by field; nothing here can serialise a request, a key or a configuration by accident.
 * @param base - Fields of every line.
 */
export function createLog(level: string = "info", base: Record<string, number> | null = null): Log {
  const sink = destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200 });
  // A closed pipe (`weir | head`) must not take the gateway with it.
  sink.on("error", () => {});
  const log = pino(
    { level, base, messageKey: "message", timestamp: stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    {
      // What happened before an event stands before it.
      write: (line: string) => {
        accessLog.flush();
        sink.write(line);
      },
    },
  );
  const accessLog = new AccessLog({ write: (lines) => sink.write(lines), takes: (lineLevel) => log.isLevelEnabled(lineLevel) }, base ?? {});
  return {
    log,
    accessLog,
    forward: (lines) => void sink.write(lines),
    flush: () => {
      accessLog.flush();
      try {
        sink.flushSync();
      } catch {
        // Not opened yet, or gone: there is nothing to flush.
      }
    },
  };
}
