import { type FileHandle, open } from "node:fs/promises";
import type { Listener } from "./runtime.ts";

const CHECK_MS = 1_000;
/** So many must be there for upstreams, the admin listener and files; with less, no new client is taken. */
const RESERVE = 8;
/** Until so many are there again. */
const ENOUGH = 2 * RESERVE;
const NOTHING = "/dev/null";

interface Told {
  error(text: string): void;
  info(text: string): void;
}

/**
 * Stops taking clients while this process has hardly a descriptor left, and goes on when it has. A runtime that cannot take a client because of it tries
 * without a pause, which costs a whole processor, or gives up.
 * @param adminListener - Goes on, on the reserve; undefined where there is no other.
 */
export function watchDescriptors(listener: Listener, adminListener: Listener | undefined, log: Told): void {
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
