import { DirectoryRefusal } from "../directory/directory.ts";
import { DirectoryUnavailable } from "../directory/store.ts";

/** Every way in which the admin listener refuses, with its HTTP status. */
export const REFUSALS = {
  invalid: 400,
  unauthenticated: 401,
  unknown: 404,
  method_not_allowed: 405,
  exists: 409,
  read_only: 409,
  replaced: 409,
  too_large: 413,
  misdirected: 421,
  slowed: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type RefusalKind = keyof typeof REFUSALS;

/** What was asked cannot be done. The message is for the administrator: what is wrong and what to do, never a secret. */
export class AdminRefusal extends Error {
  override readonly name = "AdminRefusal";
  readonly kind: RefusalKind;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: RefusalKind, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.kind = kind;
    this.headers = headers;
  }
}

/** What was thrown, as a refusal. An error that is not ours is answered without its message. */
export function asRefusal(thrown: unknown): AdminRefusal {
  if (thrown instanceof AdminRefusal) return thrown;
  if (thrown instanceof DirectoryRefusal) return new AdminRefusal(thrown.reason, thrown.message);
  if (thrown instanceof DirectoryUnavailable) return new AdminRefusal("unavailable", thrown.message);
  return new AdminRefusal("internal", "An internal error occurred.");
}

export function refusalResponse({ kind, message, headers }: AdminRefusal): Response {
  return Response.json({ error: { message, kind } }, { status: REFUSALS[kind], headers: { ...headers } });
}
