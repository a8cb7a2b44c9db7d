/** What the gateway publishes about itself: for tools, for people, and for a client that asks for `/`. */
import type { Config } from "../contract/config.ts";
import type { Asked, HeaderReader } from "../contract/http.ts";
import type { Pages } from "../contract/pages.ts";
import { PUBLIC_PREFIX } from "../request/routes.ts";
import { ADDRESS, Addressed, addressOf } from "./address.ts";
import { HTML_HEADERS, htmlPage } from "./html.ts";
import { type Offered, offeredBy } from "./offered.ts";
import { openapiDocument } from "./openapi.ts";
import { docsPage } from "./page.ts";
import { startSection } from "./start.ts";

const WHAT = "Weir, an LLM API gateway. A client changes its base URL and its key, nothing else.";

/** They are made for one asker: they hold the address that was asked, and what is in force at this moment. */
const UNKEPT = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** Rendered when it is asked for, once for each configuration. */
interface Rendered {
  document: string;
  docs: ReadonlyMap<string, Addressed>;
}

export class PublishedPages implements Pages {
  readonly paths = ["/", "/docs", "/openapi.json"];
  readonly #version: string;
  #config: Config;
  #rendered: Rendered | undefined;

  /** @param version - Weir's own */
  constructor(version: string, config: Config) {
    this.#version = version;
    this.#config = config;
  }

  /** Another configuration is in force. */
  describe(config: Config): void {
    if (config === this.#config) return;
    this.#config = config;
    this.#rendered = undefined;
  }

  answer(path: string, prefix: string, { headers }: Pick<Asked, "headers">): Response {
    if (path === "/") return this.#door(prefix, headers);
    this.#rendered ??= this.#render(offeredBy(this.#config));
    if (path === "/openapi.json")
      return new Response(this.#rendered.document, { headers: { "content-type": "application/json", ...UNKEPT } });
    return new Response(this.#rendered.docs.get(prefix)?.at(addressOf(headers, this.#config.server.tls)), {
      headers: { ...HTML_HEADERS, ...UNKEPT },
    });
  }

  #render(offered: Offered): Rendered {
    const document = openapiDocument(this.#version, offered);
    const docs = ["", PUBLIC_PREFIX].map((prefix) => {
      const address = `${ADDRESS}${prefix}`;
      const page = docsPage(document, {
        intro: `<p>A key goes into one of three headers: <code>Authorization: Bearer</code>, <code>x-api-key</code> or <code>api-key</code>. Every route below that needs one is there a second time below <code>${PUBLIC_PREFIX}</code>.</p>
${startSection(offered, address)}`,
        address,
        origin: ADDRESS,
        key: "WEIR_KEY",
      });
      return [prefix, new Addressed(page)] as const;
    });
    return { document: JSON.stringify(document), docs: new Map(docs) };
  }

  /** `GET /`, for a person who was given an address and a key, and no more. */
  #door(prefix: string, headers: HeaderReader): Response {
    const [docs, openapi] = [`${prefix}/docs`, `${prefix}/openapi.json`];
    const vary = { ...UNKEPT, vary: "accept" };
    if (!headers.get("accept")?.includes("text/html")) {
      const address = addressOf(headers, this.#config.server.tls);
      const about = { name: "Weir", version: this.#version, description: WHAT, docs: address + docs, openapi: address + openapi };
      return new Response(`${JSON.stringify(about, null, 1)}\n`, { headers: { "content-type": "application/json", ...vary } });
    }
    const body = `<h1>Weir <small>${this.#version}</small></h1>
<p>${WHAT} Were you given a key? Then begin with <a href="${docs}">the description of what there is here</a>, with examples to paste. For tools there
is the same as <a href="${openapi}">openapi.json</a>.</p>`;
    return new Response(htmlPage("Weir", body), { headers: { ...HTML_HEADERS, ...vary } });
  }
}
