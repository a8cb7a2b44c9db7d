import { copied } from "../contract/bytes.ts";

/** Names, addresses and ports. Other characters in a Host header make an address that no program can read. */
const AUTHORITY = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
/** Bound on the hosts that are remembered: a client can invent any number of them. */
const MOST_KNOWN = 1_000;

const known = new Set<string>();

/** Whether the text is a host, with a port or without. */
export function isGoodAuthority(text: string): boolean {
  if (known.has(text)) return true;
  if (!AUTHORITY.test(text) || !URL.canParse(`http://${text}/`)) return false;
  if (known.size === MOST_KNOWN) known.clear();
  // A copy: the text itself would keep the whole head in memory that it was cut from.
  known.add(copied(text));
  return true;
}
