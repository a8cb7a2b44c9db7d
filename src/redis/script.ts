/** Runs a Lua script by its digest; by its text where the server does not know the script yet, and always where the server refuses digests. */
import { createHash } from "node:crypto";

/** What a script needs of ioredis, single or cluster. */
export interface ScriptClient {
  evalsha(sha: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
}

export class Script {
  readonly #source: string;
  readonly #sha: string;
  #byText = false;

  constructor(source: string) {
    this.#source = source;
    this.#sha = createHash("sha1").update(source).digest("hex");
  }

  async run(client: ScriptClient, keyCount: number, keysAndArguments: (string | number)[]): Promise<unknown> {
    if (!this.#byText) {
      try {
        return await client.evalsha(this.#sha, keyCount, ...keysAndArguments);
      } catch (error) {
        const text = error instanceof Error ? error.message : "";
        if (!text.startsWith("NOSCRIPT")) {
          // Some proxies and access lists let EVAL pass and nothing else.
          if (!/evalsha/i.test(text) || !/^(ERR (unknown|unsupported)|NOPERM)/i.test(text)) throw error;
          this.#byText = true;
        }
      }
    }
    return client.eval(this.#source, keyCount, ...keysAndArguments);
  }
}
