import type { Config, Upstream } from "../contract/config.ts";
import { withCallControls } from "../contract/controls.ts";
import { GatewayError } from "../contract/errors.ts";
import type { HeaderReader } from "../contract/http.ts";
import type { Visit } from "./visit.ts";

interface Reserved {
  /** Every header that some upstream of a configuration reserves: there are a few, by provider. */
  names: readonly string[];
  /** Some place of the configuration sets controls, which may name the call's workspace and key. */
  isControlled: boolean;
}

const known = new WeakMap<Config, Reserved>();

function reservedOf(config: Config): Reserved {
  let reserved = known.get(config);
  if (reserved === undefined) {
    const places = [config, ...Object.values(config.workspaces)];
    const upstreams = places.flatMap((place): Upstream[] => Object.values(place.upstreams));
    const models = places.flatMap((place) =>
      Object.values<{ controls?: object | undefined; targets: unknown[] | undefined }>(place.models),
    );
    const isControlled =
      upstreams.some(({ controls }) => controls !== undefined) ||
      Object.values(config.workspaces).some(({ controls }) => controls !== undefined) ||
      models.some(({ controls, targets }) => controls !== undefined || targets?.some(hasControls));
    reserved = { names: [...new Set(upstreams.flatMap((upstream) => upstream.reserved))], isControlled };
    known.set(config, reserved);
  }
  return reserved;
}

function hasControls(target: unknown): boolean {
  return (target as { controls?: object }).controls !== undefined;
}

/** The first header of a request that is not a client's to set at some upstream; "" where there is none, as nearly always. */
export function reservedIn(headers: HeaderReader, config: Config): string {
  for (const name of reservedOf(config).names) if (headers.has(name)) return name;
  return "";
}

/** The hints of a call, with what its upstream's controls may want to know of it behind them. */
export function controlled({ dialect, identity }: Visit, headers: HeaderReader, reserved: string, config: Config): string {
  const hints = dialect.hints(headers, config.strictParameters);
  const { names, isControlled } = reservedOf(config);
  const mayControl = reserved !== "" && identity?.workspace.mayControl === true;
  if (identity === undefined || !(isControlled || mayControl)) return hints;
  const set: Record<string, string> = {};
  if (mayControl) for (const name of names) if (headers.has(name)) set[name] = headers.get(name) ?? "";
  return withCallControls(hints, { workspace: identity.workspace.name, key: identity.keyName, headers: set });
}

/**
 * To ignore such a header would be worse: a client that asks for a guardrail must not be answered without one.
 * @param reserved - Of the upstream that is asked.
 * @param name - As `reservedIn` gives it.
 * @throws GatewayError `invalid_request` where its workspace may set none.
 */
export function refuseReserved({ identity }: Visit, reserved: readonly string[], name: string): void {
  if (identity?.workspace.mayControl === true || !reserved.includes(name)) return;
  throw new GatewayError("invalid_request", {
    message: `${name}: this header is not a client's to set here, and the request is refused rather than answered without what it asks for; leave it out, or ask the gateway's operator (client_controls)`,
    param: name,
  });
}
