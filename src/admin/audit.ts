import type { Logger } from "../log/log.ts";

export type Change =
  | "workspace.created"
  | "workspace.updated"
  | "workspace.removed"
  | "key.created"
  | "key.rotated"
  | "key.revoked"
  | "worker.crashed"
  | "worker.stalled";

/** Refused sign-ins that are logged one by one within a window; the rest are counted. */
const SHOWN_REFUSALS = 10;
const WINDOW_MS = 60_000;

/**
 * Who changed what, and who was refused: lines with the message `audit`. They hold ids, names and addresses, never a key and never the token.
 */
export class Audit {
  readonly #log: Pick<Logger, "info" | "warn">;
  readonly #windowMs: number;
  #refusals = 0;
  #window: ReturnType<typeof setTimeout> | undefined;

  constructor(log: Pick<Logger, "info" | "warn">, windowMs: number = WINDOW_MS) {
    this.#log = log;
    this.#windowMs = windowMs;
  }

  changed(action: Change, address: string, what: { workspace?: string; key?: string; replaces?: string }): void {
    this.#log.info({ action, actor: "admin token", address, ...what }, "audit");
  }

  /** A request without the right token. A flood of them must not fill a disk: after the first ones they are only counted, and their number is logged once a window. */
  refused(address: string, reason: "no token" | "wrong token" | "too many guesses"): void {
    this.#refusals += 1;
    if (this.#refusals <= SHOWN_REFUSALS) this.#log.warn({ action: "sign_in.refused", address, reason }, "audit");
    if (this.#window !== undefined) return;
    this.#window = setTimeout(() => this.#endWindow(), this.#windowMs);
    this.#window.unref?.();
  }

  #endWindow(): void {
    const count = this.#refusals - SHOWN_REFUSALS;
    this.#window = undefined;
    this.#refusals = 0;
    if (count > 0) this.#log.warn({ action: "sign_in.refused", count, within_ms: this.#windowMs }, "audit");
  }
}
