import { copied } from "../contract/bytes.ts";

/** Names, addresses and ports. What else a Host header may hold makes an address that nobody can read. */
const AUTHORITY = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
/** Most that are remembered; a client may invent as many as it likes. */
const MOST_KNOWN = 1_000;

const known = new Set<string>();

/** Whether that is a host, with a port or without. */
export function isGoodAuthority(text: string): boolean {
  if (known.has(text)) return true;
  if (!AUTHORITY.test(text) || !URL.canParse(`http://${text}/`)) return false;
  if (known.size === MOST_KNOWN) known.clear();
  // Not what it was cut from.
  known.add(copied(text));
  return true;
}
