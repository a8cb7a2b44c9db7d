/** The demo's key and admin token: made at random at the first start in a folder, the same at every later one. */
import { randomBytes } from "node:crypto";
import { lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** Where the key and the token are kept: in the folder that Weir was started in. */
export const SECRETS_FILE = ".weir-sandbox.json";
/** And the keys and workspaces that are made there. Not the file of a configuration: what was made to try things must open no cloud. */
export const DEMO_KEYS_FILE = ".weir-sandbox-keys.json";

export interface DemoSecrets {
  key: string;
  adminToken: string;
  /** False where they could not be written, and the next start has others. */
  isKept: boolean;
}

const KEY = /^weir_demo_[\w-]{32}$/;
const ADMIN_TOKEN = /^weir_demo_admin_[\w-]{32}$/;
/** For its owner only. */
const MODE = 0o600;
const OPEN_TO_OTHERS = 0o077;

/** Reads them from `file`, or makes them and writes it. What others could have read or written is not taken: it is made anew. */
export function demoSecrets(file: string): DemoSecrets {
  const kept = read(file);
  if (kept !== undefined) return { ...kept, isKept: true };
  const random = () => randomBytes(24).toString("base64url");
  const made = { key: `weir_demo_${random()}`, adminToken: `weir_demo_admin_${random()}` };
  try {
    rmSync(file, { force: true });
    writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: MODE, flag: "wx" });
    return { ...made, isKept: true };
  } catch {
    // A folder that may not be written: an image's, as a rule.
    return { ...made, isKept: false };
  }
}

/** The token that the last sandbox of this folder was started with, for the commands of whoever may read it. */
export function keptAdminToken(folder: string): string | undefined {
  return read(join(folder, SECRETS_FILE))?.adminToken;
}

function read(file: string): Pick<DemoSecrets, "key" | "adminToken"> | undefined {
  try {
    const entry = lstatSync(file);
    const isOurs = process.getuid === undefined || (entry.uid === process.getuid() && (entry.mode & OPEN_TO_OTHERS) === 0);
    if (!entry.isFile() || !isOurs) return undefined;
    const { key, adminToken } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    if (typeof key !== "string" || typeof adminToken !== "string") return undefined;
    return KEY.test(key) && ADMIN_TOKEN.test(adminToken) ? { key, adminToken } : undefined;
  } catch {
    return undefined;
  }
}
