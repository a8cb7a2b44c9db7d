/** Controls of a call: those of the configuration, and the headers by which a client may set its own only where its workspace may (`client_controls`). */
import type { Config, Upstream } from "../contract/config.ts";
import { withCallControls } from "../contract/controls.ts";
import { GatewayError } from "../contract/errors.ts";
import type { HeaderReader } from "../contract/http.ts";
import type { Visit } from "./visit.ts";

interface Reserved {
  /** Every header that some upstream of the configuration reserves. */
  names: readonly string[];
  /** Whether some place of the configuration sets controls: these may name the workspace and the key of a call. */
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

/** The name of the first header in a request that some upstream reserves; "" where there is none, which is nearly always so. */
export function findReserved(headers: HeaderReader, config: Config): string {
  for (const name of reservedOf(config).names) if (headers.has(name)) return name;
  return "";
}

/** The hints of a call, followed by the facts of the call that the controls of its upstream may need. */
export function hintsWithControls({ dialect, identity }: Visit, headers: HeaderReader, reserved: string, config: Config): string {
  const hints = dialect.hints(headers, config.strictParameters);
  const { names, isControlled } = reservedOf(config);
  const mayControl = reserved !== "" && identity?.workspace.mayControl === true;
  if (identity === undefined || !(isControlled || mayControl)) return hints;
  const set: Record<string, string> = {};
  if (mayControl) for (const name of names) if (headers.has(name)) set[name] = headers.get(name) ?? "";
  return withCallControls(hints, { workspace: identity.workspace.name, key: identity.keyName, headers: set });
}

/**
 * Refuses a reserved header. To ignore the header would be worse: a client that asks for a guardrail must not be answered without one.
 * @param reserved - The names that the upstream reserves.
 * @param name - The name that `findReserved` found.
 * @throws GatewayError `invalid_request` where the upstream reserves the header and the workspace of the call may not set it.
 */
export function refuseReserved({ identity }: Visit, reserved: readonly string[], name: string): void {
  if (identity?.workspace.mayControl === true || !reserved.includes(name)) return;
  throw new GatewayError("invalid_request", {
    message: `${name}: clients may not set this header here, and the request is not answered without it; leave the header out, or ask the operator of the gateway to allow it (client_controls)`,
    param: name,
  });
}
