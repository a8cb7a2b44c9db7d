/** The model that a call asks for. */

import { GatewayError } from "../contract/errors.ts";
import type { Catalog } from "../routing/catalog.ts";
import type { Offer } from "../routing/table.ts";
import { callsOf } from "./routes.ts";
import type { Visit } from "./visit.ts";

/** Of a refused name in the log: as long as it helps to see what a client has configured. */
const LOGGED_LENGTH = 64;
/** What begins like a key is one, in a wrong place. */
const KEY_LIKE = /weir_|sk-|eyJ|[A-Za-z0-9]{24}/;

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
