/** Answers that an upstream keeps: which workspace, model and targets an id belongs to. Nothing is looked up elsewhere, as the id says it (`contract/kept.ts`). */
import { GatewayError } from "../contract/errors.ts";
import { isSealedBy, modelMark, type Sealed, unsealed } from "../contract/kept.ts";
import { clipped } from "../contract/text.ts";
import type { Catalog } from "../routing/catalog.ts";
import type { Offer } from "../routing/table.ts";
import type { Visit } from "./visit.ts";

/** Of an id that a client wrote, in a message. */
const SHOWN_CHARACTERS = 128;

/** A kept answer. */
export interface Kept {
  /** Of the model that wrote it, or another one where that is gone, at the place alone that has it. */
  offer: Offer;
  /** The name of the offer for clients. */
  model: string;
}

/** @throws GatewayError 404, the same for an id that was never given and for one of another workspace. */
export function findKept(catalog: Catalog, visit: Visit, id: string): Kept {
  const offers = catalog.served(visit.workspace, visit.dialect.upstream, visit.region);
  const all = [...offers].map(([model, offer]) => ({ model, offer }));
  if (!all.some(({ offer }) => keepsAnswers(offer)))
    throw notFound(id, " Nothing is stored here: answers are not kept, so they cannot be asked for again.");
  const sealed = unsealed(id);
  const places: Places = new Map();
  const found = sealed === undefined ? [] : all.flatMap(({ model, offer }) => at(visit, model, offer, sealed, places));
  const [kept = undefined] = [...found.filter(({ model }) => modelMark(model) === sealed?.mark), ...found];
  if (kept === undefined) throw notFound(id, "");
  return kept;
}

/**
 * The offer with those of its targets alone that have the answer which a request goes on from; the offer itself where none of them keeps any: then the
 * upstream's own file says so.
 * @throws GatewayError 400
 */
export function pinned(visit: Visit, offer: Offer, previous: string): Offer {
  if (!keepsAnswers(offer)) return offer;
  const sealed = unsealed(previous);
  const [kept] = sealed === undefined ? [] : at(visit, offer.model, offer, sealed, new Map());
  if (kept !== undefined) return kept.offer;
  throw new GatewayError("invalid_request", {
    message: `Previous response with id '${clipped(previous, SHOWN_CHARACTERS)}' not found: it is not this workspace's, or kept where ${offer.model} is not served.`,
    param: "previous_response_id",
    code: "previous_response_not_found",
  });
}

/** Whether an id is of an answer that is kept there: each place is tried once. */
type Places = Map<string, boolean>;

/** The targets of an offer that have it. */
function at(visit: Visit, model: string, offer: Offer, sealed: Sealed, places: Places): Kept[] {
  const targets = offer.targets.filter(({ upstream: { keeping } }) => {
    if (keeping === undefined) return false;
    const known = places.get(keeping.place) ?? isSealedBy(keeping, visit.workspace, sealed);
    places.set(keeping.place, known);
    return known;
  });
  const [first, ...others] = targets;
  return first === undefined ? [] : [{ model, offer: { ...offer, targets: [first, ...others], credits: [] } }];
}

function keepsAnswers({ targets }: Offer): boolean {
  return targets.some(({ upstream }) => upstream.keeping !== undefined);
}

function notFound(id: string, why: string): GatewayError {
  return new GatewayError("invalid_request", {
    message: `Response with id '${clipped(id, SHOWN_CHARACTERS)}' not found.${why}`,
    status: 404,
  });
}
