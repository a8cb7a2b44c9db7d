import type { Checked } from "./checked.ts";
import type { RefusalKind } from "./refusal.ts";

/** A request that the door has let pass. */
interface Asked {
  request: Request;
  /** The variables of the path, decoded. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** The client's address, by the connection. */
  address: string;
}

/** A route of the admin listener: how it is answered, and how it is described (`/admin/openapi.json` is made of these). */
export interface AdminRoute {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** The path, with its variables in braces. */
  path: string;
  /** Its name for tools: `createKey`. */
  operation: string;
  tag: "Workspaces" | "Keys" | "Gateway";
  summary: string;
  description?: string;
  /** Whether the route needs no admin token: every client that reaches the listener may ask. */
  open?: true;
  /** Takes `limit` and `after_id`. */
  paged?: true;
  body?: Checked;
  answer: { status: number; description: string; type?: string; body?: Checked };
  /** How it refuses beside 401, 421, 429 and 500. */
  refusals: readonly RefusalKind[];
  /** @throws AdminRefusal, DirectoryRefusal or DirectoryUnavailable */
  reply(asked: Asked): Response | Promise<Response>;
}
