/** A gateway that already runs, perhaps on another machine. It has its own upstream. */
import type { CallDialect, Variant } from "../variant.ts";
import { PATHS } from "./weir.ts";

export interface Elsewhere {
  /** Its path is the path of the calls. Without a path, Weir's own paths are used. */
  url: URL;
  key: string | undefined;
  dialects: readonly CallDialect[];
}

export function against({ url, key, dialects }: Elsewhere): Variant {
  const { origin, pathname } = url;
  const running = {
    url: origin,
    address: ({ dialect }: { dialect: CallDialect }) => {
      if (!dialects.includes(dialect)) return undefined;
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      return { path: pathname === "/" ? PATHS[dialect] : pathname, headers };
    },
    isElsewhere: true,
    pids: () => [],
    stop: async () => {},
  };
  return { name: "against", start: async () => running };
}
