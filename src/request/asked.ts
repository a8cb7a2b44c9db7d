/** The model that a call asks for. */

import { CALLS, type CallOperation, type Envelope } from "../contract/dialect.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Admission } from "../limiter/admission.ts";
import type { Catalog } from "../routing/catalog.ts";
import type { Offer } from "../routing/table.ts";
import { pinned } from "./kept.ts";
import { refuseReserved } from "./reserved.ts";
import { callsOf } from "./routes.ts";
import type { Visit } from "./visit.ts";

/** What a call is routed by. */
interface RoutedBy {
  admission: Pick<Admission, "factor">;
  catalog: Catalog;
}

/** Of a refused name in the log: as long as it helps to see what a client has configured. */
const LOGGED_LENGTH = 64;
/** What begins like a key is one, in a wrong place. */
const KEY_LIKE = /weir_|sk-|eyJ|[A-Za-z0-9]{24}/;

/**
 * Finds the model of a call, and what the call is to take from the windows of.
 * @param reserved - A header of the request that may not be a client's to set; "" where there is none.
 * @throws GatewayError `unknown_model`; `invalid_request` for such a header, and where it goes on from an answer that is not there.
 */
export function routed(
  { admission, catalog }: RoutedBy,
  visit: Visit,
  operation: CallOperation,
  { model, stream, maxTokens, previous = "" }: Envelope,
  reserved: string,
): Offer {
  visit.checked(stream);
  const found = claimed(admission, visit, operation, findModel(catalog, visit, model), maxTokens);
  refuseReserved(visit, found.targets[0].upstream.reserved, reserved);
  if (previous === "" || !CALLS[operation].writes) return found;
  return claimed(admission, visit, operation, pinned(visit, found, previous), maxTokens);
}

/** Notes the offer of a call, and what it is to take from the windows of. */
export function claimed(admission: RoutedBy["admission"], visit: Visit, operation: CallOperation, offer: Offer, maxTokens: number): Offer {
  const { window, writes } = CALLS[operation];
  const { limits, exact, targets } = offer;
  // Which target it will be is decided when it is admitted; what the first one taught is what there is to go by.
  const upstream = targets[0].upstream.name;
  const claim = { workspace: visit.workspace, model: offer.model, upstream, exact, window, limits, maxTokens, writes };
  visit.routed(offer, claim, admission.factor(claim));
  return offer;
}

/** @throws GatewayError `unknown_model`, which tells of the routes that have it where this one has not. */
export function findModel(catalog: Catalog, visit: Visit, model: string): Offer {
  const { workspace } = visit;
  const dialect = visit.dialect.upstream;
  try {
    return catalog.find(workspace, dialect, visit.region, model);
  } catch (thrown) {
    visit.modelRefused(loggable(model));
    const [other] = catalog.elsewhere(workspace, dialect, model);
    if (!(thrown instanceof GatewayError) || other === undefined) throw thrown;
    const routes = callsOf(other.dialect).join(", ");
    const where = `It speaks another protocol, and is served in ${other.regions.join(", ")} by: ${routes}.`;
    throw new GatewayError(thrown.kind, { ...thrown.detail, message: `${thrown.detail.message} ${where}` });
  }
}

/** A name that a client wrote, for one line of the log: cut, and without what no name of a model has. */
function loggable(model: string): string {
  const cut = model.slice(0, LOGGED_LENGTH);
  return KEY_LIKE.test(cut) ? "?" : cut.replaceAll(/[^A-Za-z0-9._:@/-]/g, "?");
}
