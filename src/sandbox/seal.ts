import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Seals of one account or resource: signatures of thoughts, and sealed reasoning. It recognises its own seals and no others. */
export class Seal {
  readonly #key = randomBytes(32);

  /** The seal of a text: it shows nothing of the text, and differs from text to text. */
  of(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64");
  }

  isOf(text: string, seal: string): boolean {
    const [expected, given] = [Buffer.from(this.of(text)), Buffer.from(seal)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
