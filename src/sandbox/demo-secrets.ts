/** The key and the admin token of the demo: random at the first start in a folder, and the same at every later start. */
import { randomBytes } from "node:crypto";
import { lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The file for the key and the token, in the folder that Weir was started in. */
export const SECRETS_FILE = ".weir-sandbox.json";
/** The file for keys and workspaces that are made in the demo. A configuration has another file: keys of a demo must not be valid for a real cloud. */
export const DEMO_KEYS_FILE = ".weir-sandbox-keys.json";

export interface DemoSecrets {
  key: string;
  adminToken: string;
  /** False where the file could not be written: the next start has other secrets. */
  isKept: boolean;
}

const KEY = /^weir_demo_[\w-]{32}$/;
const ADMIN_TOKEN = /^weir_demo_admin_[\w-]{32}$/;
/** File mode: only the owner may read and write. */
const MODE = 0o600;
const OPEN_TO_OTHERS = 0o077;

/** Reads the secrets from `file`, or makes them and writes the file. A file that other users could read or write is not used: new secrets are made. */
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
    // The folder cannot be written, as in a container image.
    return { ...made, isKept: false };
  }
}

/** The admin token of the demo in this folder, for commands of a user who may read its file; undefined where there is none. */
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
    // The file is not there, or it is not JSON.
    return undefined;
  }
}
