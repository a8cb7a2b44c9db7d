import type { Asked, Reply } from "./http.ts";

/** What is served to everybody, without a key: it speaks of the gateway alone, never of one workspace. */
export interface Pages {
  /** Each begins with a slash. They are served below the public prefix as well. */
  readonly paths: readonly string[];
  /** @param prefix - what stood before the path: "" or the public prefix */
  answer(path: string, prefix: string, request: Pick<Asked, "headers">): Reply;
}
