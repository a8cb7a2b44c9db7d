import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** What one account or resource hands out for its own later use, and knows again: signatures of thoughts, sealed reasoning. Another one's is foreign. */
export class Seal {
  readonly #key = randomBytes(32);

  /** Of a text: opaque, and different for each. */
  of(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64");
  }

  isOf(text: string, seal: string): boolean {
    const [expected, given] = [Buffer.from(this.of(text)), Buffer.from(seal)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
