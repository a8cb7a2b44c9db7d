import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import process from "node:process";
import type { FixedConfig } from "../contract/config.ts";
import { pathOf } from "../http/target.ts";
import { PEER_HEADER, PROCESS_VARIABLE, type ProcessMessage, SNAPSHOT_PATH, type SupervisorMessage } from "./protocol.ts";

/** Where a gateway process listens. */
export interface Places {
  server: { host: string; port: number; shared: boolean };
  admin: { host: string; port: number };
}

export interface Duties {
  reload(): void;
  /** May be asked for more than once. */
  drain(): void;
}

type Handler = (request: Request) => Response | Promise<Response>;

/** The end of the channel to the supervisor, in a gateway process. When the channel closes, because the supervisor has ended, the process drains. */
export class Member {
  readonly index: number;
  readonly #settings = Promise.withResolvers<FixedConfig>();
  readonly #port = Promise.withResolvers<number>();
  #secret = "";
  #duties: Duties | undefined;
  #reloadMissed = false;

  private constructor(index: number) {
    this.index = index;
    process.on("message", (message: SupervisorMessage) => this.#take(message));
    process.on("disconnect", () => this.#drain());
  }

  /** Undefined where no supervisor has started this process. */
  static of(environment: Readonly<Record<string, string | undefined>>): Member | undefined {
    const index = environment[PROCESS_VARIABLE];
    return index === undefined || process.send === undefined ? undefined : new Member(Number(index));
  }

  /** The settings that all processes share and that only a restart can change. */
  settings(): Promise<FixedConfig> {
    return this.#settings.promise;
  }

  /** Says that everything but the listeners is ready, and waits until they may be opened. */
  async places(): Promise<Places> {
    say({ type: "built" });
    const [{ server }, port] = await Promise.all([this.#settings.promise, this.#port.promise]);
    return { server: { host: server.host, port, shared: true }, admin: { host: "127.0.0.1", port: 0 } };
  }

  /** Says that this process serves, and from now on does what the supervisor asks for. */
  serve(adminPort: number, duties: Duties): void {
    this.#duties = duties;
    say({ type: "listening", adminPort });
    if (this.#reloadMissed) duties.reload();
    if (!process.connected) duties.drain();
  }

  /** The admin listener with one answer more, for the supervisor: the metrics as data. */
  administer(admin: Handler, snapshot: () => Promise<object[]>): Handler {
    return async (request) => (pathOf(request.url) === SNAPSHOT_PATH ? Response.json(await snapshot()) : admin(request));
  }

  /** The address of the supervisor's client, for a request that the supervisor has forwarded; undefined for any other request. */
  peerOf(request: Request): string | undefined {
    const [secret = "", address] = request.headers.get(PEER_HEADER)?.split(" ") ?? [];
    const [sent, own] = [Buffer.from(secret), Buffer.from(this.#secret)];
    return own.length > 0 && sent.length === own.length && timingSafeEqual(sent, own) ? address : undefined;
  }

  #take(message: SupervisorMessage): void {
    if (message.type === "settings") {
      this.#secret = message.secret;
      this.#settings.resolve(message.settings);
    } else if (message.type === "listen") this.#port.resolve(message.port);
    else if (message.type === "drain") this.#drain();
    else if (this.#duties === undefined) this.#reloadMissed = true;
    else this.#duties.reload();
  }

  #drain(): void {
    // This process has not served a call yet.
    if (this.#duties === undefined) process.exit(0);
    this.#duties.drain();
  }
}

function say(message: ProcessMessage): void {
  if (process.connected) process.send?.(message);
}
