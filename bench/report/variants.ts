import type { BenchResult } from "../result.ts";

/** What each variant is, for readers of the figures who have not read the method. */
const MEANINGS: Readonly<Record<string, string>> = {
  direct: "no gateway: the load generator asks the stand-in upstream itself",
  bare: "bench/passthrough.ts, a pass-through of a few lines on the same runtime. It knows no key, checks nothing and limits nothing: the least that the runtime costs",
  weir: "Weir as its users start it, with one worker thread or more: key, schema, limiter, estimate, signing, metrics and access log are all on",
  inline: "Weir with workers: 0: all work is done in the thread that takes the connections. Only in the scenarios where that changes most",
  nginx: "proxy_pass with one worker process and no buffering: the least that a program which moves bytes in C costs",
  axum: "bench/baselines/axum, the same pass-through in Rust, on axum with reqwest: what one would write there instead. It uses all processors",
  go: "bench/baselines/go, the same pass-through in Go, on httputil.ReverseProxy. It uses all processors",
  portkey: "Portkey, another gateway, as its own documentation sets it up. It limits nothing and checks no key",
  litellm: "LiteLLM, another gateway, as its own documentation sets it up. It checks one key and limits nothing",
  bifrost: "Bifrost, another gateway, as its own documentation sets it up. It checks one key and limits nothing",
  against: "a gateway that runs elsewhere, named by --against",
};

/** The variants of a result in the order of its tables, each with what it is. */
export function explained({ scenarios }: BenchResult): [variant: string, meaning: string][] {
  const names = new Set(scenarios.flatMap(({ variants }) => variants.map(({ variant }) => variant)));
  return [...names].map((name) => [name, MEANINGS[name] ?? "not described"]);
}
