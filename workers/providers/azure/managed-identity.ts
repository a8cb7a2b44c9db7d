/**
 * Access tokens of an Azure managed identity, by Microsoft's own library. The library knows where the machine's service for such tokens is (a virtual
 * machine's metadata address, App Service and Functions, Arc, Service Fabric) and how to ask each of these. It is loaded only where it is used.
 */
import type { IncomingMessage } from "node:http";
import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from "@azure/msal-node";
import type { EntraCredentials } from "../../../src/providers/azure/settings.ts";
import { misconfigured, reason } from "../failure.ts";
import { type Loaded, Renewed, withDeadline } from "../renewed.ts";
import { withoutSecrets } from "../secrets.ts";
import { answerBytes, loadedToken, type Tokens } from "./tokens.ts";

type ManagedIdentity = Extract<EntraCredentials, { kind: "managed_identity" }>;

/** The service runs on the machine itself and answers within milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;
/** For all tries together; the library tries again where the service is busy. */
const TIMEOUT_MS = 20_000;
/** Headers by which the service recognises its own machine; their values are secrets. */
const SECRET_HEADERS = /^(x-identity-header|secret|authorization)$/i;

type Load = () => Promise<Loaded<string>>;

export function managedIdentityTokens(
  upstream: string,
  { clientId }: ManagedIdentity,
  scope: string,
  nowMs: () => number = Date.now,
): Tokens {
  const client = new IdentityClient();
  let load: Load | undefined;
  return new Renewed(async () => {
    try {
      load ??= await openIdentity(clientId, scope, client, nowMs);
      return await withDeadline(load(), TIMEOUT_MS);
    } catch (thrown) {
      const { message } = withoutSecrets([...client.secrets], { message: client.failure ?? reason(thrown) });
      const who = clientId === undefined ? "the system-assigned managed identity" : `the managed identity ${clientId}`;
      const cure =
        clientId === undefined
          ? "switch the system-assigned identity on for this machine, or name a user-assigned one by client_id"
          : "assign that identity to this machine and check client_id";
      throw misconfigured(`upstream "${upstream}": no token for ${who}: ${message}; ${cure}, or set other credentials of the upstream`);
    }
  }, nowMs);
}

async function openIdentity(clientId: string | undefined, scope: string, client: IdentityClient, nowMs: () => number): Promise<Load> {
  const { ManagedIdentityApplication } = await import("@azure/msal-node");
  const application = new ManagedIdentityApplication({
    ...(clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } }),
    system: { networkClient: client },
  });
  return async () => {
    const askedMs = nowMs();
    client.failure = undefined;
    // `forceRefresh`: `Renewed` keeps the token; the library's cache would return a token that the upstream has refused.
    const { accessToken, expiresOn } = await application.acquireToken({ resource: scope, forceRefresh: true });
    const lifeMs = (expiresOn?.getTime() ?? 0) - Date.now();
    if (accessToken === "" || !(lifeMs > 0)) throw new Error("the answer has no valid token");
    return loadedToken(accessToken, askedMs, lifeMs);
  };
}

/**
 * The HTTP client that the library uses instead of its own: bounded in time and bytes. It uses no proxy, because the service is on this machine,
 * and follows no redirect.
 */
class IdentityClient implements INetworkModule {
  /** The secret values that were sent to the service. */
  readonly secrets = new Set<string>();
  /** Why the last request had no answer; the library says only that there was none. */
  failure: string | undefined;

  sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#exchange("GET", url, options);
  }

  sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#exchange("POST", url, options);
  }

  async #exchange<T>(method: "GET" | "POST", url: string, { headers = {}, body }: NetworkRequestOptions = {}): Promise<NetworkResponse<T>> {
    for (const [name, value] of Object.entries(headers)) if (SECRET_HEADERS.test(name)) this.secrets.add(value.replace(/^Basic /i, ""));
    try {
      const answer = await asked(method, url, headers, body);
      const text = (await answerBytes(answer)).toString("utf8");
      const shown = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
      this.failure = undefined;
      return { status: answer.statusCode ?? 0, headers: shown, body: parsed(text, answer.statusCode) as T };
    } catch (thrown) {
      this.failure = `${new URL(url).host}: ${thrown instanceof Error && thrown.name === "AbortError" ? "no answer in time" : reason(thrown)}`;
      throw thrown;
    }
  }
}

async function asked(method: string, url: string, headers: Record<string, string>, body: string | undefined): Promise<IncomingMessage> {
  // Loaded here: it takes a megabyte of each worker, and most workers never ask.
  const { request: open } = url.startsWith("https:") ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const request = open(url, { method, headers, agent: false, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }, resolve);
    request.on("error", reject);
    request.end(body);
  });
}

/** The answer parsed. Text that is no JSON object becomes an error in the form of the service: on other text the library fails without a message. */
function parsed(text: string, status: number | undefined): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Text that is no JSON at all is answered like JSON that is no object.
  }
  return { error: "invalid_answer", error_description: `status ${status}, and no JSON object` };
}
