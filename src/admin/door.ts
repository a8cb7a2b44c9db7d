import { createHash, timingSafeEqual } from "node:crypto";
import type { Audit } from "./audit.ts";
import { Guesses } from "./guesses.ts";
import { AdminRefusal } from "./refusal.ts";

/** Lets requests pass that have the admin token; compares in constant time. Without a configured token no request passes. */
export class Door {
  readonly #digest: Buffer | undefined;
  readonly #audit: Audit | undefined;
  readonly #guesses: Guesses;

  constructor(token: string | undefined, audit: Audit | undefined, guesses: Guesses = new Guesses()) {
    this.#digest = token === undefined ? undefined : digest(token);
    this.#audit = audit;
    this.#guesses = guesses;
  }

  /** @throws AdminRefusal `unauthenticated`, or `slowed` after too many guesses */
  pass(headers: Headers, address: string): void {
    const sent = /^bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (this.#digest !== undefined && sent !== undefined) {
      this.#checkWait(address);
      const sentDigest = digest(sent);
      if (timingSafeEqual(sentDigest, this.#digest)) return;
      this.#guesses.wrong(address, sentDigest.toString("base64"));
    }
    this.#audit?.refused(address, sent === undefined ? "no token" : "wrong token");
    throw new AdminRefusal("unauthenticated", this.#whyNot(sent), { "www-authenticate": "Bearer" });
  }

  #whyNot(sent: string | undefined): string {
    if (this.#digest === undefined)
      return "This gateway has no admin token, so it refuses every request: set admin.token in its configuration.";
    const how = "Send the admin token as 'Authorization: Bearer TOKEN'.";
    return sent === undefined
      ? how
      : `The admin token is wrong. It is admin.token of the configuration that this gateway has started with. ${how}`;
  }

  /** Called before the token is compared: otherwise the answer would show whether it is the right one. */
  #checkWait(address: string): void {
    const waitMs = this.#guesses.waitMs(address);
    if (waitMs <= 0) return;
    this.#audit?.refused(address, "too many guesses");
    const seconds = Math.ceil(waitMs / 1000);
    throw new AdminRefusal("slowed", `Too many wrong tokens came from this address. Wait ${seconds} s, then try again.`, {
      "retry-after": String(seconds),
    });
  }
}

/** All digests have the same length, which `timingSafeEqual` needs, and which hides that of the token. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
