/** The admin API for commands: over HTTP of a running gateway, or in this process over the store of a configuration. */
import type { Static, TSchema } from "@sinclair/typebox";
import type { Checked } from "../admin/checked.ts";
import { refusalBody } from "../admin/schemas.ts";

export interface AdminTransport {
  /** @throws CommandRefusal where no gateway can be asked */
  send(request: Request): Promise<Response>;
  /** Without a slash at its end. */
  base: string;
  token: string;
  close(): Promise<void>;
}

/** The gateway or the store refused, or could not be reached. The message ends with what to do. */
export class CommandRefusal extends Error {
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

interface PageOf<Entry> {
  data: Entry[];
  has_more: boolean;
  last_id: string | null;
}

const MOST = 1000;

export class Administration {
  readonly #transport: AdminTransport;

  constructor(transport: AdminTransport) {
    this.#transport = transport;
  }

  /** @throws CommandRefusal */
  async ask<Schema extends TSchema>(method: string, path: string, answer: Checked<Schema>, body?: unknown): Promise<Static<Schema>> {
    const response = await this.#send(method, path, body);
    const value = await response.json().catch(() => undefined);
    if (answer.check.fits(value)) return value;
    throw new CommandRefusal("invalid", `${this.#transport.base} answers, but not as Weir's admin listener does: is --url its address?`);
  }

  /** Sends a request whose answer has no body. @throws CommandRefusal */
  async tell(method: string, path: string): Promise<void> {
    await this.#send(method, path, undefined);
  }

  /** All pages; the members beside the list are those of the last page. @throws CommandRefusal */
  async all<Schema extends TSchema>(path: string, answer: Checked<Schema>): Promise<Static<Schema>> {
    const data: unknown[] = [];
    for (let after = ""; ; ) {
      const page = await this.ask("GET", `${path}?limit=${MOST}${after}`, answer);
      const { data: more, has_more: hasMore, last_id: last } = page as PageOf<unknown>;
      data.push(...more);
      if (!hasMore || last === null) return { ...(page as object), data } as Static<Schema>;
      after = `&after_id=${encodeURIComponent(last)}`;
    }
  }

  async #send(method: string, path: string, body: unknown): Promise<Response> {
    const { base, token, send } = this.#transport;
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    // A redirection would send the token to another host.
    const init = { method, headers, redirect: "manual", ...(body === undefined ? {} : { body: JSON.stringify(body) }) } as const;
    const response = await send(new Request(`${base}/admin/v1${path}`, init));
    if (response.ok) return response;
    const refusal: unknown = await response.json().catch(() => undefined);
    if (refusalBody.check.fits(refusal)) throw new CommandRefusal(refusal.error.kind, refusal.error.message);
    throw new CommandRefusal("invalid", `${base} answers ${response.status}, and not as Weir's admin listener does: is --url its address?`);
  }
}
