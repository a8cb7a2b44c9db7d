/**
 * Stand-ins for the services by which a machine in Azure asks for tokens of its managed identity. Sources: learn.microsoft.com, "How to use managed
 * identities for Azure resources on an Azure VM to acquire an access token" (the metadata address: request, answer, errors, which are tried again)
 * and "How to use managed identities for App Service and Azure Functions" (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`).
 */
import { serve } from "bun";

export const USER_ASSIGNED = "2f8e7d6c-0000-4000-8000-00000000c11e";
export const IDENTITY_HEADER = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a";
const RESOURCES = ["https://ai.azure.com", "https://cognitiveservices.azure.com"];

type Answer = (request: Request) => Response | Promise<Response>;

export interface Machine {
  url: string;
  /** Tokens that were given out, the newest last. */
  tokens: string[];
  /** Requests that came. */
  asked: URL[];
  /** Each answers one of the next requests in place of the service. */
  instead: Answer[];
  close(): Promise<void>;
}

/** @param kind - The metadata address of a virtual machine, or App Service's own service. */
export function startMachine(kind: "metadata" | "app-service", lifeSeconds = 86_400): Machine {
  const tokens: string[] = [];
  const asked: URL[] = [];
  const instead: Answer[] = [];
  const server = serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const url = new URL(request.url);
      asked.push(url);
      const other = instead.shift();
      if (other !== undefined) return other(request);
      return kind === "metadata" ? metadata(request, url) : appService(request, url);
    },
  });

  function metadata(request: Request, url: URL): Response {
    if (url.pathname.replace(/\/$/, "") !== "/metadata/identity/oauth2/token") return new Response("not found", { status: 404 });
    if (request.headers.get("metadata") !== "true") return refused("invalid_request", "Required metadata header not specified");
    // A request that another machine has forwarded is refused.
    if (request.headers.has("x-forwarded-for")) return refused("invalid_request", "forwarded requests are refused");
    if (url.searchParams.get("api-version") !== "2018-02-01") return refused("bad_request", "The version is not supported");
    return token(url, "client_id", (resource, value) => ({
      access_token: value,
      refresh_token: "",
      expires_in: String(lifeSeconds - 1),
      expires_on: String(Math.floor(Date.now() / 1000) + lifeSeconds),
      not_before: String(Math.floor(Date.now() / 1000) - 300),
      resource,
      token_type: "Bearer",
    }));
  }

  function appService(request: Request, url: URL): Response {
    if (request.headers.get("x-identity-header") !== IDENTITY_HEADER) return new Response(null, { status: 401 });
    if (url.searchParams.get("api-version") !== "2019-08-01") return refused("bad_request", "The version is not supported");
    return token(url, "client_id", (resource, value) => ({
      access_token: value,
      client_id: USER_ASSIGNED,
      expires_on: String(Math.floor(Date.now() / 1000) + lifeSeconds),
      resource,
      token_type: "Bearer",
    }));
  }

  function token(url: URL, name: string, answer: (resource: string, value: string) => object): Response {
    const client = url.searchParams.get(name);
    if (client !== null && client !== USER_ASSIGNED) return refused("invalid_request", "Identity not found");
    const resource = url.searchParams.get("resource") ?? "";
    if (!RESOURCES.includes(resource)) return refused("invalid_resource", `AADSTS500011: The resource named ${resource} was not found.`);
    const value = `eyJ.${crypto.randomUUID()}.${client === null ? "system" : "user"}`;
    tokens.push(value);
    return Response.json(answer(resource, value));
  }

  return { url: `http://127.0.0.1:${server.port}`, tokens, asked, instead, close: () => server.stop(true) };
}

export function refused(error: string, description: string, status = 400): Response {
  return Response.json({ error, error_description: description }, { status });
}
