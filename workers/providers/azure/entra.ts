/** Access tokens of Microsoft Entra ID, by the client-credentials flow: with a secret, or with the federated token of a workload identity. */
import { Buffer } from "node:buffer";
import { type ByteText, toByteText } from "../../../src/contract/bytes.ts";
import { NotReadable, readTextFile } from "../../../src/contract/text-file.ts";
import type { EntraCredentials } from "../../../src/providers/azure/settings.ts";
import { asObject, asText, brief, errorFields, misconfigured, reason } from "../failure.ts";
import { type Loaded, Renewed } from "../renewed.ts";

/** What the flow asks with; a managed identity has another way (`managed-identity.ts`). */
type AskingCredentials = Exclude<EntraCredentials, { kind: "managed_identity" }>;

export interface Tokens {
  /** Rejects with GatewayError `misconfigured`. */
  get(): string | Promise<string>;
  /** The upstream has refused the token. */
  suspect(): void;
}

const TIMEOUT_MS = 10_000;
/** Tokens last for an hour or a day. */
const LONGEST_LIFE_SECONDS = 86_400;
/** Part of a token's life after which the next one is fetched, while this one still serves. */
const RENEW_AT = 0.8;

/** Of a token, and of an answer with one: a few KiB. */
const MOST_BYTES = 64 * 1024;

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** @param scope - What the token is for: `https://ai.azure.com/.default`. */
export function entraTokens(upstream: string, credentials: AskingCredentials, scope: string, nowMs: () => number = Date.now): Tokens {
  return new Renewed(async () => {
    try {
      return await fetchToken(credentials, scope, nowMs);
    } catch (thrown) {
      throw misconfigured(
        `upstream "${upstream}": no token from Entra ID for client ${credentials.clientId}: ${reason(thrown)}; check tenant_id, client_id, authority and the ${
          credentials.kind === "client_secret" ? "client secret" : "token file and its federated credential"
        }`,
      );
    }
  }, nowMs);
}

async function fetchToken(credentials: AskingCredentials, scope: string, nowMs: () => number): Promise<Loaded<string>> {
  const form = new URLSearchParams({ grant_type: "client_credentials", client_id: credentials.clientId, scope });
  if (credentials.kind === "client_secret") form.set("client_secret", credentials.clientSecret);
  else {
    form.set("client_assertion_type", ASSERTION_TYPE);
    // Kubernetes replaces the file before its token expires: it is read anew each time.
    form.set("client_assertion", await federatedToken(credentials.tokenFile));
  }
  const askedMs = nowMs();
  const answer = await fetch(
    `${credentials.authority.replace(/(?<!\/)\/+$/, "")}/${encodeURIComponent(credentials.tenantId)}/oauth2/v2.0/token`,
    {
      method: "POST",
      // As text: with a form object Bun's fetch would stream it, and a retry inside would have nothing to send.
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    },
  );
  const fields = errorFields(await textOf(answer));
  const token = asText(fields?.access_token);
  const seconds = Math.min(Number(fields?.expires_in), LONGEST_LIFE_SECONDS);
  if (!answer.ok || token === undefined || !(seconds > 0)) {
    throw new Error(
      `status ${answer.status} ${asText(asObject(fields)?.error) ?? ""} ${brief(asText(fields?.error_description) ?? "")}`.trim(),
    );
  }
  return { value: token, expiresAtMs: askedMs + seconds * 1000, renewAtMs: askedMs + seconds * 1000 * RENEW_AT };
}

async function federatedToken(file: string): Promise<string> {
  try {
    return (await readTextFile(file, MOST_BYTES)).trim();
  } catch (thrown) {
    throw thrown instanceof NotReadable ? new Error(`the token file ${thrown.message}`) : thrown;
  }
}

/** The answer's bytes, after decompression: an authority may be anybody's, and a small answer unfold into a huge one. */
async function textOf({ body }: Response): Promise<ByteText> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels what is still to come.
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > MOST_BYTES) throw new Error(`an answer of more than ${MOST_BYTES / 1024} KiB`);
    parts.push(part);
  }
  return toByteText(Buffer.concat(parts));
}
