/** Keys that requests to AWS are signed with: from the configuration, or from AWS's own chain of sources. */
import type { AwsCredentials } from "../../../src/providers/bedrock/settings.ts";
import type { AwsIdentity } from "../../wire/sigv4.ts";
import { misconfigured, reason } from "../failure.ts";
import { type Loaded, Renewed, withDeadline } from "../renewed.ts";

/** Keys as AWS's packages return them. */
type Found = AwsIdentity & { expiration?: Date | undefined };

export interface Identities {
  /** The current keys. Rejects with GatewayError `misconfigured`. */
  get(): AwsIdentity | Promise<AwsIdentity>;
  /** To be called where AWS has refused the keys. */
  suspect(): void;
}

const RENEW_BEFORE_EXPIRY_MS = 5 * 60_000;
/** Time limit of the whole chain: most of its sources have a limit, but a `credential_process` has none. */
const CHAIN_TIMEOUT_MS = 20_000;

export function awsIdentities(
  upstream: string,
  awsRegion: string,
  credentials: AwsCredentials,
  nowMs: () => number = Date.now,
): Identities {
  if (credentials.kind === "static") {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const identity: AwsIdentity = { accessKeyId, secretAccessKey, sessionToken };
    return { get: () => identity, suspect() {} };
  }
  const profile = credentials.kind === "profile" ? credentials.profile : undefined;
  let load: (() => Promise<Loaded<AwsIdentity>>) | undefined;
  return new Renewed(async () => {
    try {
      load ??= await openChain(awsRegion, profile, nowMs);
      return await load();
    } catch (thrown) {
      const where =
        profile === undefined ? "AWS's default chain (environment, configuration files, IRSA, ECS, EC2)" : `the profile "${profile}"`;
      throw misconfigured(
        `upstream "${upstream}": no AWS credentials from ${where}: ${reason(thrown)}; give the process a role or a profile, or set credentials of the upstream`,
      );
    }
  }, nowMs);
}

/** Loaded only where it is used: the packages are large, and most upstreams have their keys in the configuration. */
async function openChain(region: string, profile: string | undefined, nowMs: () => number): Promise<() => Promise<Loaded<AwsIdentity>>> {
  const ask = await openPlaces(region, profile);
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await withDeadline(ask(), CHAIN_TIMEOUT_MS);
    const expiresAtMs = expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    const lifeMs = expiresAtMs - nowMs();
    // Keys from the environment are taken as they are; they may have expired.
    if (expiration !== undefined && !(lifeMs > 0)) throw new Error(`those that are there expired on ${expiration.toUTCString()}`);
    return {
      value: { accessKeyId, secretAccessKey, sessionToken },
      expiresAtMs,
      renewAtMs: expiresAtMs - Math.min(RENEW_BEFORE_EXPIRY_MS, lifeMs / 5),
    };
  };
}

async function openPlaces(region: string, profile: string | undefined): Promise<() => Promise<Found>> {
  // The STS of this region is asked for roles, so that no request leaves the region. The files are read each time, because keys in them are replaced too.
  const places = { clientConfig: { region }, ignoreCache: true };
  if (profile !== undefined) {
    const { fromIni } = await import("@aws-sdk/credential-provider-ini");
    return fromIni({ ...places, profile });
  }
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  const chain = defaultProvider(places);
  // Without forceRefresh the chain would answer from its own cache, which also hides failed renewals.
  return () => chain({ forceRefresh: true });
}
