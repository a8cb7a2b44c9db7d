/** The stand-in for Microsoft Entra ID: gives tokens to an application that shows its secret, or a federated token of its workload identity. */
import { randomBytes } from "node:crypto";
import type { Arrival, State } from "../state.ts";

const SCOPES = ["https://ai.azure.com/.default", "https://cognitiveservices.azure.com/.default"];
const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

export class Entra {
  readonly #state: State;
  /** The tokens that were given out, each with the time at which it expires, in milliseconds since 1970. */
  readonly #tokens = new Map<string, number>();

  constructor(state: State) {
    this.#state = state;
  }

  isGood(token: string): boolean {
    return (this.#tokens.get(token) ?? 0) > this.#state.now();
  }

  answer(arrival: Arrival): { status: number; body: Record<string, unknown> } {
    const { entra } = this.#state.credentials;
    const form = new URLSearchParams(arrival.body.toString("utf8"));
    const tenant = arrival.path.split("/")[1] ?? "";
    if (arrival.method !== "POST") return refused(400, "invalid_request", "AADSTS900561: The endpoint only accepts POST requests.");
    if (tenant !== entra.tenantId) return refused(400, "invalid_request", `AADSTS90002: Tenant '${tenant}' not found.`);
    if (form.get("grant_type") !== "client_credentials") {
      return refused(400, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.");
    }
    if (form.get("client_id") !== entra.clientId) {
      return refused(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.");
    }
    if (!SCOPES.includes(form.get("scope") ?? ""))
      return refused(400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid.");
    const assertion = form.get("client_assertion");
    if (assertion !== null) {
      if (form.get("client_assertion_type") !== JWT_BEARER || !entra.assertions.includes(assertion)) {
        return refused(401, "invalid_client", "AADSTS700213: No matching federated identity record found for presented assertion.");
      }
    } else if (form.get("client_secret") !== entra.clientSecret) {
      return refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.");
    }
    const token = `eyJ.${randomBytes(48).toString("base64url")}`;
    this.#tokens.set(token, this.#state.now() + entra.tokenLifetimeSeconds * 1000);
    const lifetime = entra.tokenLifetimeSeconds;
    return { status: 200, body: { token_type: "Bearer", expires_in: lifetime, ext_expires_in: lifetime, access_token: token } };
  }
}

function refused(status: number, error: string, description: string): { status: number; body: Record<string, unknown> } {
  return { status, body: { error, error_description: description } };
}
