/** Who signs a request to AWS: keys from the configuration, or from AWS's own chain of places. */
import type { AwsCredentials } from "../../../src/providers/bedrock/settings.ts";
import type { AwsIdentity } from "../../wire/sigv4.ts";
import { misconfigured, reason } from "../failure.ts";
import { type Loaded, Renewed } from "../renewed.ts";

/** As AWS's packages give them. */
type Found = AwsIdentity & { expiration?: Date | undefined };

export interface Identities {
  /** Rejects with GatewayError `misconfigured`. */
  get(): AwsIdentity | Promise<AwsIdentity>;
  /** AWS has refused the identity. */
  suspect(): void;
}

const RENEW_BEFORE_EXPIRY_MS = 5 * 60_000;
/** The chain has clocks of its own at most of its places, but none for a `credential_process`. */
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

/** Loaded only where it is used: the packages are large, and most upstreams have keys in the configuration. */
async function openChain(region: string, profile: string | undefined, nowMs: () => number): Promise<() => Promise<Loaded<AwsIdentity>>> {
  const ask = await openPlaces(region, profile);
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await withDeadline(ask());
    const expiresAtMs = expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    const lifeMs = expiresAtMs - nowMs();
    // The environment is taken as it is, and nobody may have renewed it.
    if (expiration !== undefined && !(lifeMs > 0)) throw new Error(`those that are there expired on ${expiration.toUTCString()}`);
    return {
      value: { accessKeyId, secretAccessKey, sessionToken },
      expiresAtMs,
      renewAtMs: expiresAtMs - Math.min(RENEW_BEFORE_EXPIRY_MS, lifeMs / 5),
    };
  };
}

async function openPlaces(region: string, profile: string | undefined): Promise<() => Promise<Found>> {
  // The region is where STS is asked for roles: not outside the one that is called. The files are read anew each time: keys in them are rotated too.
  const places = { clientConfig: { region }, ignoreCache: true };
  if (profile !== undefined) {
    const { fromIni } = await import("@aws-sdk/credential-provider-ini");
    return fromIni({ ...places, profile });
  }
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  const chain = defaultProvider(places);
  // Without forceRefresh it would answer from its own memory, which also swallows failed renewals.
  return () => chain({ forceRefresh: true });
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${CHAIN_TIMEOUT_MS / 1000} s`)), CHAIN_TIMEOUT_MS);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
