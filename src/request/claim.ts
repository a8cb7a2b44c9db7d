/** What a call asks for: its model, and what it takes from the windows of the limiter; and what the limiter decided. */
import { CALLS, type CallOperation, type Envelope } from "../contract/dialect.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Admission } from "../limiter/admission.ts";
import type { Decision } from "../limiter/decision.ts";
import { showWindows } from "../limiter/headers.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Offer } from "../routing/offers.ts";
import type { RoutingTable } from "../routing/routing-table.ts";
import { refuseReserved } from "./control-headers.ts";
import { pinned } from "./kept.ts";
import { callsOf } from "./routes.ts";
import type { Visit } from "./visit.ts";

/** The parts that `routeCall` needs. */
interface RoutingParts {
  admission: Pick<Admission, "factor">;
  routingTable: RoutingTable;
}

/** Characters of a refused name in the log: enough to see what a client has configured. */
const LOGGED_LENGTH = 64;
/** A text that begins like a key is treated as a key that the client put into the wrong place. */
const KEY_LIKE = /weir_|sk-|eyJ|[A-Za-z0-9]{24}/;

/**
 * Finds the offer of the model that a checked body names, and notes it with the claim of the call.
 * @param reserved - The name of a header in the request that clients may not set; "" where the request has none.
 * @throws GatewayError `unknown_model`; `invalid_request` for a reserved header, and for a call that continues an answer which does not exist.
 */
export function routeCall(
  { admission, routingTable }: RoutingParts,
  visit: Visit,
  operation: CallOperation,
  { model, stream, maxTokens, previous = "" }: Envelope,
  reserved: string,
): Offer {
  visit.checked(stream);
  const found = noteClaim(admission, visit, operation, findModel(routingTable, visit, model), maxTokens);
  refuseReserved(visit, found.targets[0].upstream.reserved, reserved);
  if (previous === "" || !CALLS[operation].writes) return found;
  return noteClaim(admission, visit, operation, pinned(visit, found, previous), maxTokens);
}

/** Notes the offer of a call and its claim. Returns the same offer. */
export function noteClaim(
  admission: RoutingParts["admission"],
  visit: Visit,
  operation: CallOperation,
  offer: Offer,
  maxTokens: number,
): Offer {
  const { window, writes } = CALLS[operation];
  const { limits, exact, targets } = offer;
  // The target is chosen later, when the call is admitted. Until then the token history of the first target's upstream is used.
  const upstream = targets[0].upstream.name;
  const claim = { workspace: visit.workspace, model: offer.model, upstream, exact, window, limits, maxTokens, writes };
  visit.routed(offer, claim, admission.factor(claim));
  return offer;
}

/** @throws GatewayError `unknown_model`; its text names the routes that have the model where this one does not. */
export function findModel(routingTable: RoutingTable, visit: Visit, model: string): Offer {
  const { workspace } = visit;
  const dialect = visit.dialect.upstream;
  try {
    return routingTable.find(workspace, dialect, visit.region, model);
  } catch (thrown) {
    visit.modelRefused(loggable(model));
    const [other] = routingTable.elsewhere(workspace, dialect, model);
    if (!(thrown instanceof GatewayError) || other === undefined) throw thrown;
    const routes = callsOf(other.dialect).join(", ");
    const where = `It speaks another protocol, and is served in ${other.regions.join(", ")} by: ${routes}.`;
    throw new GatewayError(thrown.kind, { ...thrown.detail, message: `${thrown.detail.message} ${where}` });
  }
}

/** Counts the limiter's decision about a call, and shows the windows to its client. */
export function noteDecision({ claim, dialect, headers }: Visit, decision: Decision, metrics: Metrics): void {
  const { outcome } = decision;
  if (outcome === "unavailable" || outcome === "weigh") return;
  if (claim.window === "calls") metrics.workspaces.decided(claim.workspace, claim.model, outcome);
  else if (outcome !== "admitted") metrics.workspaces.decided(claim.workspace, claim.model, "counts");
  if (decision.windows !== undefined) showWindows(headers, dialect.rateLimitPrefix, decision.windows);
}

/** A name that a client wrote, for one line of the log: cut, with a "?" for each character that no model's name has. */
function loggable(model: string): string {
  const cut = model.slice(0, LOGGED_LENGTH);
  return KEY_LIKE.test(cut) ? "?" : cut.replaceAll(/[^A-Za-z0-9._:@/-]/g, "?");
}
