/** Access tokens of Microsoft Entra ID, by the client-credentials flow: with a secret, or with the federated token of a workload identity. */
import { toByteText } from "../../../src/contract/bytes.ts";
import { NotReadable, readTextFile } from "../../../src/contract/text-file.ts";
import type { EntraCredentials } from "../../../src/providers/azure/settings.ts";
import { asObject, asText, brief, errorFields, misconfigured, reason } from "../failure.ts";
import { type Loaded, Renewed } from "../renewed.ts";
import { answerBytes, loadedToken, MOST_BYTES, type Tokens } from "./tokens.ts";

/** Credentials of the client-credentials flow; a managed identity has another flow (`managed-identity.ts`). */
type AskingCredentials = Exclude<EntraCredentials, { kind: "managed_identity" }>;

const TIMEOUT_MS = 10_000;
/** Tokens are valid for an hour or a day. */
const LONGEST_LIFE_SECONDS = 86_400;
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** @param scope - What the token is for, such as `https://ai.azure.com/.default`. */
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
    // Kubernetes replaces the file before its token expires, so it is read each time.
    form.set("client_assertion", await federatedToken(credentials.tokenFile));
  }
  const askedMs = nowMs();
  const answer = await fetch(
    `${credentials.authority.replace(/(?<!\/)\/+$/, "")}/${encodeURIComponent(credentials.tenantId)}/oauth2/v2.0/token`,
    {
      method: "POST",
      // As text: Bun's fetch would stream a form object, and its own retry would have nothing to send.
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    },
  );
  const fields = errorFields(toByteText(await answerBytes((answer.body ?? []) as AsyncIterable<Uint8Array>)));
  const token = asText(fields?.access_token);
  const seconds = Math.min(Number(fields?.expires_in), LONGEST_LIFE_SECONDS);
  if (!answer.ok || token === undefined || !(seconds > 0)) {
    throw new Error(
      `status ${answer.status} ${asText(asObject(fields)?.error) ?? ""} ${brief(asText(fields?.error_description) ?? "")}`.trim(),
    );
  }
  return loadedToken(token, askedMs, seconds * 1000);
}

async function federatedToken(file: string): Promise<string> {
  try {
    return (await readTextFile(file, MOST_BYTES)).trim();
  } catch (thrown) {
    throw thrown instanceof NotReadable ? new Error(`the token file ${thrown.message}`) : thrown;
  }
}
