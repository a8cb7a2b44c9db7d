/** Any gateway that runs already: another version, another machine. Its upstream is its own. */
import type { CallDialect, Variant } from "../variant.ts";
import { PATHS } from "./weir.ts";

export interface Elsewhere {
  /** With a path: that of its calls. Without: Weir's own paths. */
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
