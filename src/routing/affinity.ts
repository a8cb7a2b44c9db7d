/** Which conversation a call belongs to, and which target that conversation has. */
import { hashText, mixed } from "../contract/hash.ts";

/** Headers by which clients name their session; the first that is there counts. Source: Claude Code, Codex, and what other gateways read. */
const SESSION_HEADERS = ["x-claude-code-session-id", "session-id", "thread-id", "x-session-affinity"] as const;

/** A number for the session that a client names in its headers; 0 without one. */
export function sessionOf(headers: { get(name: string): string | null }): number {
  for (const name of SESSION_HEADERS) {
    const value = headers.get(name);
    if (value !== null && value !== "") return hashText(value) || 1;
  }
  return 0;
}

/**
 * How much a conversation likes a target (weighted rendezvous hashing): each conversation goes to the target that it likes most, the targets share the
 * conversations by weight, and one target more or less moves only the conversations that it wins or had. No table, and every replica chooses alike.
 * Source: Schindelhauer and Schomaker, "Weighted distributed hash tables".
 */
export function liking(conversation: number, seed: number, weight: number): number {
  // Between 0 and 1, and neither of them.
  const chance = (mixed(conversation ^ seed) + 0.5) / 0x1_0000_0000;
  return -weight / Math.log(chance);
}
