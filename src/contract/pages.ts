import type { Asked, Reply } from "./http.ts";

/** A page that is served without a key: it describes the gateway alone, never one workspace. */
export interface Pages {
  /** Each begins with a slash. They are served below the public prefix as well. */
  readonly paths: readonly string[];
  /** @param prefix - The part of the URL's path before this page's own: "" or the public prefix. */
  answer(path: string, prefix: string, request: Pick<Asked, "headers">): Reply;
}
