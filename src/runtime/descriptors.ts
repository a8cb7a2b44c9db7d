import { type FileHandle, open } from "node:fs/promises";
import type { Listener } from "./runtime.ts";

const CHECK_MS = 1_000;
/** Descriptors that must be free for upstreams, the admin listener and files; with fewer, no new client is accepted. */
const RESERVE = 8;
/** Clients are accepted again when this number is free. */
const ENOUGH = 2 * RESERVE;
const NOTHING = "/dev/null";

interface LevelLog {
  error(text: string): void;
  info(text: string): void;
}

/**
 * Stops accepting clients while this process has hardly a free descriptor, and goes on when it has enough. A runtime that cannot accept a client for this
 * reason tries again without a pause, which costs a whole processor, or gives up.
 * @param adminListener - Stays open, by the reserve; undefined where `listener` is the only one.
 */
export function watchDescriptors(listener: Listener, adminListener: Listener | undefined, log: LevelLog): void {
  let short = false;
  const check = async (): Promise<void> => {
    const enough = await canOpen(short ? ENOUGH : RESERVE);
    if (!enough || (!short && listener.gaveUp)) {
      listener.pause();
      if (!short)
        log.error("no descriptors are left: no new connection is taken until some are free; raise the limit of open files (ulimit -n)");
      short = true;
      return;
    }
    await adminListener?.resume();
    if (!(await listener.resume())) return;
    if (short) log.info("there are descriptors again: connections are taken");
    short = false;
  };
  const again = (): void => {
    setTimeout(() => void check().finally(again), CHECK_MS);
  };
  again();
}

/** Whether this process may open `count` files more. */
async function canOpen(count: number): Promise<boolean> {
  const tried = await Promise.allSettled(Array.from({ length: count }, () => open(NOTHING)));
  const opened = tried.filter((each): each is PromiseFulfilledResult<FileHandle> => each.status === "fulfilled");
  await Promise.all(opened.map(({ value }) => value.close()));
  return !tried.some((each) => each.status === "rejected" && (each.reason as { code?: unknown }).code === "EMFILE");
}
