/** The store of a configuration, without a running gateway: the routes of the admin listener, in this process and without a port. */
import { randomBytes } from "node:crypto";
import { Admin, directoryRoutes } from "../admin/admin.ts";
import { Audit } from "../admin/audit.ts";
import { AdminRefusal } from "../admin/refusal.ts";
import { type UsageSource, usageFrom } from "../admin/usage.ts";
import { type ConfigSource, readConfig } from "../config/config.ts";
import type { Config } from "../contract/config.ts";
import { openStore } from "../directory/index.ts";
import { Replica } from "../directory/replica.ts";
import { openLimiter } from "../limiter/index.ts";
import { Catalog } from "../routing/catalog.ts";
import { openTotals } from "../usage/index.ts";
import { type AdminTransport, CommandRefusal } from "./administration.ts";
import { contact } from "./contact.ts";

const PATIENCE_MS = 2_000;
/** A change without a gateway is in no audit. */
const UNHEARD = { info: () => {}, warn: () => {} };

/** @throws ConfigError or CommandRefusal */
export async function overStore(source: ConfigSource): Promise<AdminTransport> {
  const { config } = readConfig(source);
  const store = openStore(config, () => {});
  try {
    await contact(store);
  } catch (thrown) {
    await store.close();
    throw new CommandRefusal("unavailable", thrown instanceof Error ? thrown.message : String(thrown));
  }
  const directory = new Replica(config, store);
  await directory.refresh();
  const usage = new LazyUsage(config, directory);
  const token = randomBytes(16).toString("hex");
  const audit = new Audit(UNHEARD);
  let fault: unknown;
  const admin = new Admin({
    routes: directoryRoutes({ directory, usage, audit, served: () => config }),
    token,
    version: "",
    audit,
    onFault: (thrown) => {
      fault = thrown;
    },
    addressOf: () => "",
  });
  return {
    base: "http://store.invalid",
    token,
    send: async (request) => {
      const answer = await admin.handle(request);
      if (fault !== undefined) throw fault;
      return answer;
    },
    close: async () => {
      await Promise.all([directory.close(), usage.close()]);
    },
  };
}

/** Opens limiter and totals only when usage is asked for: most commands do not need them. */
class LazyUsage implements UsageSource {
  readonly sinceMs = undefined;
  readonly #config: Config;
  readonly #directory: Replica;
  #opened: Promise<UsageSource> | undefined;
  #close: () => Promise<unknown> = async () => {};

  constructor(config: Config, directory: Replica) {
    this.#config = config;
    this.#directory = directory;
  }

  limits(workspace: string) {
    return new Catalog(this.#directory.withWorkspaces(this.#config)).limits(workspace);
  }

  async windows(workspace: string, model: string, rpm: number, tpm: number) {
    return await (await this.#source()).windows(workspace, model, rpm, tpm);
  }

  async days(workspace: string) {
    return await (await this.#source()).days(workspace);
  }

  async close(): Promise<void> {
    await this.#close();
  }

  #source(): Promise<UsageSource> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<UsageSource> {
    const { redis } = this.#config;
    if (redis === undefined)
      throw new AdminRefusal(
        "unavailable",
        "Without Redis only the running gateway knows what is used: set admin.token in its configuration, or ask it with --url.",
      );
    const limiter = openLimiter({ redis });
    const totals = openTotals(redis);
    this.#close = () => Promise.all([limiter.close(), totals.close()]);
    await limiter.contact(PATIENCE_MS);
    return usageFrom((workspace) => this.limits(workspace), limiter, totals);
  }
}
