/** Answers that an upstream keeps: the workspace, model and target of their ids. No table is needed, because the id itself contains this (`contract/kept.ts`). */
import { GatewayError } from "../contract/errors.ts";
import { isSealedBy, modelMark, type Sealed, unsealed } from "../contract/kept.ts";
import { clipped } from "../contract/text.ts";
import type { Offer } from "../routing/offers.ts";
import type { RoutingTable } from "../routing/routing-table.ts";
import type { Visit } from "./visit.ts";

/** The most characters of a client's id that a message repeats. */
const SHOWN_CHARACTERS = 128;

/** A kept answer. */
export interface Kept {
  /** The offer of the model that wrote the answer (or of another model where that one is gone), with only the targets that keep the answer. */
  offer: Offer;
  /** The name of the offer for clients. */
  model: string;
}

/**
 * The kept answer of this id.
 * @throws GatewayError 404: the same for an id that does not exist and for one of another workspace.
 */
export function findKept(routingTable: RoutingTable, visit: Visit, id: string): Kept {
  const offers = routingTable.served(visit.workspace, visit.dialect.upstream, visit.region);
  const all = [...offers].map(([model, offer]) => ({ model, offer }));
  if (!all.some(({ offer }) => keepsAnswers(offer)))
    throw notFound(id, " Nothing is stored here: answers are not kept, so they cannot be asked for again.");
  const sealed = unsealed(id);
  const tried: TriedPlaces = new Map();
  const found = sealed === undefined ? [] : all.flatMap(({ model, offer }) => keepersOf(visit, model, offer, sealed, tried));
  const [kept = undefined] = [...found.filter(({ model }) => modelMark(model) === sealed?.mark), ...found];
  if (kept === undefined) throw notFound(id, "");
  return kept;
}

/**
 * The offer for a request that continues a kept answer: with only the targets that keep the answer. Where no target of the offer keeps answers at all, it is the
 * offer itself, and the provider of the upstream refuses the request.
 * @param previous - The id of the kept answer.
 * @throws GatewayError 400 where no target of the offer keeps this answer.
 */
export function pinned(visit: Visit, offer: Offer, previous: string): Offer {
  if (!keepsAnswers(offer)) return offer;
  const sealed = unsealed(previous);
  const [kept] = sealed === undefined ? [] : keepersOf(visit, offer.model, offer, sealed, new Map());
  if (kept !== undefined) return kept.offer;
  throw new GatewayError("invalid_request", {
    message: `Previous response with id '${clipped(previous, SHOWN_CHARACTERS)}' not found: it belongs to another workspace, or is kept at a place where ${offer.model} is not served.`,
    param: "previous_response_id",
    code: "previous_response_not_found",
  });
}

/** Whether an id belongs to a place where answers are kept, by the name of the place: so each place is tried once. */
type TriedPlaces = Map<string, boolean>;

/** The offer with only the targets that keep the answer; empty where there is no such target. */
function keepersOf(visit: Visit, model: string, offer: Offer, sealed: Sealed, tried: TriedPlaces): Kept[] {
  const targets = offer.targets.filter(({ upstream: { keeping } }) => {
    if (keeping === undefined) return false;
    const isKept = tried.get(keeping.place) ?? isSealedBy(keeping, visit.workspace, sealed);
    tried.set(keeping.place, isKept);
    return isKept;
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
