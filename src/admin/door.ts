import { createHash, timingSafeEqual } from "node:crypto";
import type { Audit } from "./audit.ts";
import { AdminRefusal } from "./refusal.ts";

/** Lets those in who send the admin token, in constant time. Without a token nobody comes in. */
export class Door {
  readonly #digest: Buffer | undefined;
  readonly #audit: Audit | undefined;

  constructor(token: string | undefined, audit: Audit | undefined) {
    this.#digest = token === undefined ? undefined : digest(token);
    this.#audit = audit;
  }

  /** @throws AdminRefusal `unauthenticated` */
  pass(headers: Headers, address: string): void {
    const sent = /^bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (this.#digest !== undefined && sent !== undefined && timingSafeEqual(digest(sent), this.#digest)) return;
    this.#audit?.refused(address, sent === undefined ? "no token" : "wrong token");
    const cure = this.#digest === undefined ? " This gateway has none yet: set admin.token in its configuration." : "";
    throw new AdminRefusal("unauthenticated", `Send the admin token as 'Authorization: Bearer TOKEN'.${cure}`, {
      "www-authenticate": "Bearer",
    });
  }
}

/** Digests are of one length, which `timingSafeEqual` asks for, and hide that of the token. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
