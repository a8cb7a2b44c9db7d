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

/**
 * The log: one JSON line per event on standard output, buffered, so that a busy gateway does not wait for its log.
 * What is written there is chosen field by field; nothing here can serialise a request, a key or a configuration by accident.
 * @param base - Fields of every line.
 */
export function createLog(level: string = "info", base: Record<string, number> | null = null): Log {
  const sink = destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200 });
  let broken = false;
  let ended: Promise<void> | undefined;
  // A closed pipe (`weir | head`) must not take the gateway with it.
  sink.on("error", () => {
    broken = true;
  });
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
  // Not by the sink's own `flushSync`: that one tries for ever where nobody reads any more.
  const end = async (): Promise<void> => {
    if (!broken) {
      await new Promise<unknown>((resolve) => {
        sink.once("close", resolve);
        sink.once("error", resolve);
        setTimeout(resolve, END_MS);
        sink.end();
      });
    }
    sink.destroy();
  };
  return {
    log,
    accessLog,
    forward: (lines) => void sink.write(lines),
    end: () => {
      accessLog.flush();
      ended ??= end();
      return ended;
    },
  };
}
