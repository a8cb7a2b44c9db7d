/** At the edges of a runtime's own server: what it does not refuse, and an answer of ours as one of the web's. */
import { toBytes } from "../contract/bytes.ts";
import type { Flaw } from "../contract/flaw.ts";
import { type Answered, Reply } from "../contract/http.ts";
import { pathOf } from "../contract/target.ts";
import { isGoodAuthority } from "../http/authority.ts";
import { FLAWS, leadsElsewhere } from "../http/head.ts";
import { StandardStream } from "./standard-stream.ts";

/** What is wrong with where it wants to go, as far as it is still to be seen. */
export function flawOf({ headers, url }: Request): Flaw | undefined {
  if (!isGoodAuthority(headers.get("host") ?? "")) return FLAWS.host;
  return leadsElsewhere(pathOf(url)) ? FLAWS.path : undefined;
}

export function toResponse(answered: Answered): Response {
  if (!(answered instanceof Reply)) return answered;
  const { status, headers, body } = answered;
  const content = typeof body === "string" ? toBytes(body) : StandardStream.of(body);
  return new Response(body === "" ? null : content, { status, headers: [...headers] });
}
