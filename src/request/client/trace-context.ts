/** The ids that connect a call with the client's own work: the W3C trace context, and the client's id of the request. */
import { copied } from "../../contract/bytes.ts";
import type { HeaderReader } from "../../contract/http.ts";

/** The trace and the id that a request came with. A part that it did not come with is "". */
export interface Followed {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The `traceparent` header, in the form of version 00. */
  readonly traceparent: string;
  /** The `tracestate` header, as it came. */
  readonly tracestate: string;
  /** The client's id of the request. */
  readonly requestId: string;
}

/** Source: W3C Trace Context, level 2. A later version may have more fields after these four: they are left out. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NOTHING = /^0+$/;
const MOST_STATE = 512;
const STATE = /^[\x20-\x7e]+$/;
/** The client's id gets into logs, answers and requests to upstreams, so it must be a plain word. */
const REQUEST_ID = /^[A-Za-z0-9._:@/=+-]{1,128}$/;

/** The context in a request's headers; undefined where they have none, as those of most clients. A malformed header counts as not sent. */
export function followedIn(headers: HeaderReader): Followed | undefined {
  const sentParent = headers.get("traceparent");
  const sentId = headers.get("x-request-id");
  if (sentParent === null && sentId === null) return undefined;
  const parent = sentParent === null ? undefined : readParent(sentParent);
  const requestId = sentId !== null && REQUEST_ID.test(sentId) ? copied(sentId) : "";
  if (parent === undefined) return requestId === "" ? undefined : { traceId: "", traceparent: "", tracestate: "", requestId };
  // Two such headers, the second one empty, are joined with a comma and a blank at the end: the blank is cut.
  const state = (headers.get("tracestate") ?? "").trim();
  const tracestate = state.length <= MOST_STATE && STATE.test(state) ? copied(state) : "";
  return { ...parent, tracestate, requestId };
}

function readParent(text: string): Pick<Followed, "traceId" | "traceparent"> | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (NOTHING.test(traceId) || NOTHING.test(spanId)) return undefined;
  // Of the flags of a later version, only the lowest is known.
  const known = version === "00" ? flags : Number.parseInt(flags, 16) % 2 === 1 ? "01" : "00";
  return { traceId: copied(traceId), traceparent: copied(`00-${traceId}-${spanId}-${known}`) };
}

/** The headers that pass this on to an upstream, in the form of `Along.passedOn`. @param traceparent - Replaces the client's; "" where the client's is sent. */
export function passedOn(followed: Followed | undefined, traceparent: string): string {
  const fields: string[] = [];
  const parent = traceparent === "" ? (followed?.traceparent ?? "") : traceparent;
  const { tracestate = "", requestId = "" } = followed ?? {};
  if (parent !== "") fields.push("traceparent", parent);
  if (parent !== "" && tracestate !== "") fields.push("tracestate", tracestate);
  if (requestId !== "") fields.push("x-request-id", requestId);
  return fields.join("\n");
}
