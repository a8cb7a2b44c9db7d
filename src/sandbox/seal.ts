import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Seals texts as one account or resource does: for signatures of thoughts, and for encrypted reasoning. Each `Seal` has its own random key, so it accepts
 * only the seals that it made.
 */
export class Seal {
  readonly #key = randomBytes(32);

  /** The seal of a text. Nothing of the text can be read from it, and different texts have different seals. */
  of(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64");
  }

  isOf(text: string, seal: string): boolean {
    const [expected, given] = [Buffer.from(this.of(text)), Buffer.from(seal)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
