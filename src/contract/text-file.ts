/**
 * Reads a file by a path that may name something else, which never ends or never answers: a pipe, a device, a mount whose server is away. So a file is looked
 * at before it is opened, and both its size and the wait for it have a bound.
 */
import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { sizeText } from "./text.ts";

/** A disk answers in milliseconds; a mount that takes longer than this is regarded as hanging. */
export const PATIENCE_MS = 3_000;
/** Opens without waiting for a writer, as opening a pipe otherwise would. */
export const HOW_TO_OPEN = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const PIECE_BYTES = 65_536;

/** A file that exists and cannot be read as text. `message` completes the sentence "a file which …". */
export class NotReadable extends Error {
  override readonly name = "NotReadable";
}

/** @throws NotReadable for something that is no regular file, and for a file that is too large */
export function requireText(found: { isFile(): boolean; isDirectory(): boolean; size: number }, mostBytes: number): void {
  if (found.isDirectory()) throw new NotReadable("is a directory");
  if (!found.isFile()) throw new NotReadable("is no regular file but a pipe, a socket or a device");
  if (found.size > mostBytes) throw tooLarge(mostBytes);
}

/** Paths that have not answered in time. Each of them holds a thread of the runtime, and there are few threads, so nothing more is asked of such a path. */
const hanging = new Set<string>();

/** Rejects with `NotReadable`, or with an error of `node:fs`. */
export function readTextFile(path: string, mostBytes: number, patienceMs: number = PATIENCE_MS): Promise<string> {
  return patiently(path, () => readNow(path, mostBytes), patienceMs);
}

/** The file system's answer for this path. Rejects with `NotReadable` where the answer takes too long; a later answer is ignored. */
export async function patiently<Found>(path: string, ask: () => Promise<Found>, patienceMs: number = PATIENCE_MS): Promise<Found> {
  if (hanging.has(path)) throw new NotReadable("does not answer");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const asked = ask();
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      hanging.add(path);
      const answers = () => void hanging.delete(path);
      asked.then(answers, answers);
      reject(new NotReadable(`did not answer within ${patienceMs / 1000} s`));
    }, patienceMs);
  });
  try {
    return await Promise.race([asked, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function readNow(path: string, mostBytes: number): Promise<string> {
  // Checked before it is opened, because Deno opens a pipe only once another process writes to it.
  requireText(await stat(path), mostBytes);
  const file = await open(path, HOW_TO_OPEN);
  try {
    requireText(await file.stat(), mostBytes);
    const parts: Buffer[] = [];
    for (let length = 0; ; ) {
      const piece = Buffer.alloc(PIECE_BYTES);
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, null);
      if (bytesRead === 0) return Buffer.concat(parts).toString("utf8");
      length += bytesRead;
      // The file may grow while it is read, and some files (as in /proc) report a size of 0 and are not empty.
      if (length > mostBytes) throw tooLarge(mostBytes);
      parts.push(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

function tooLarge(mostBytes: number): NotReadable {
  return new NotReadable(`has more than ${sizeText(mostBytes)}`);
}
