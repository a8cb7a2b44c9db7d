/** What the gateway publishes about itself: for tools, for people, and for a client that asks for `/`. */
import { createHash } from "node:crypto";
import { type ByteText, encodeUtf8 } from "../contract/bytes.ts";
import type { Config } from "../contract/config.ts";
import { type Asked, type HeaderReader, type Pages, Reply, ReplyHeaders } from "../contract/http.ts";
import { PUBLIC_PREFIX } from "../request/routes.ts";
import { ADDRESS, Addressed, addressOf } from "./address.ts";
import { HTML_HEADERS, htmlPage } from "./html.ts";
import { type Offered, offeredBy } from "./offered.ts";
import { openapiDocument } from "./openapi.ts";
import { docsPage } from "./page.ts";
import { startSection } from "./start.ts";

const WHAT = "Weir, an LLM API gateway. A client changes its base URL and its key, nothing else.";

/** For pages that are made for one client: they hold the address that this client has used. */
const UNKEPT = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** For the document, which is the same for all clients: a client may keep it, and asks each time whether it is still valid. */
const ASKED_AGAIN = { "cache-control": "no-cache", "x-content-type-options": "nosniff" };

const TAG_LENGTH = 22;

/** What is made once for each configuration, when a client first asks for it, in the form in which it is sent. Every client may ask, as often as it likes. */
interface Rendered {
  document: ByteText;
  /** The document's `etag`. */
  tag: string;
  docs: ReadonlyMap<string, Addressed>;
}

export class PublishedPages implements Pages {
  readonly paths = ["/", "/docs", "/openapi.json"];
  readonly #version: string;
  #config: Config;
  #rendered: Rendered | undefined;

  /** @param version - that of Weir */
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

  answer(path: string, prefix: string, { headers }: Pick<Asked, "headers">): Reply {
    if (path === "/") return this.#door(prefix, headers);
    this.#rendered ??= this.#render(offeredBy(this.#config));
    const { document, tag, docs } = this.#rendered;
    if (path !== "/openapi.json") {
      const page = docs.get(prefix)?.at(addressOf(headers, this.#config.server.tls)) ?? "";
      return reply({ ...HTML_HEADERS, ...UNKEPT }, page);
    }
    const about = { etag: tag, ...ASKED_AGAIN };
    if (names(headers.get("if-none-match"), tag)) return new Reply(304, new ReplyHeaders(about), "");
    return reply({ "content-type": "application/json", ...about }, document);
  }

  #render(offered: Offered): Rendered {
    const document = openapiDocument(this.#version, offered);
    const docs = ["", PUBLIC_PREFIX].map((prefix) => {
      const address = `${ADDRESS}${prefix}`;
      const page = docsPage(document, {
        intro: `<p>A key goes into one of three headers: <code>Authorization: Bearer</code>, <code>x-api-key</code> or <code>api-key</code>. Every route that needs a key is served below <code>${PUBLIC_PREFIX}</code> too.</p>
${startSection(offered, address)}`,
        address,
        origin: ADDRESS,
        key: "WEIR_KEY",
      });
      return [prefix, new Addressed(page)] as const;
    });
    const text = encodeUtf8(JSON.stringify(document));
    const tag = `"${createHash("sha256").update(text).digest("base64url").slice(0, TAG_LENGTH)}"`;
    return { document: text, tag, docs: new Map(docs) };
  }

  /** `GET /`, for a person who was given an address and a key, and no more. */
  #door(prefix: string, headers: HeaderReader): Reply {
    const [docs, openapi] = [`${prefix}/docs`, `${prefix}/openapi.json`];
    const vary = { ...UNKEPT, vary: "accept" };
    if (!headers.get("accept")?.includes("text/html")) {
      const address = addressOf(headers, this.#config.server.tls);
      const about = { name: "Weir", version: this.#version, description: WHAT, docs: address + docs, openapi: address + openapi };
      return reply({ "content-type": "application/json", ...vary }, encodeUtf8(`${JSON.stringify(about, null, 1)}\n`));
    }
    const body = `<h1>Weir <small>${this.#version}</small></h1>
<p>${WHAT} If you have a key, begin with <a href="${docs}">the description of this gateway</a>, which has examples to paste. Tools can read
<a href="${openapi}">openapi.json</a>.</p>`;
    return reply({ ...HTML_HEADERS, ...vary }, encodeUtf8(htmlPage("Weir", body)));
  }
}

function reply(headers: Readonly<Record<string, string>>, body: ByteText): Reply {
  return new Reply(200, new ReplyHeaders(headers), body);
}

/** Whether an `if-none-match` has this tag or `*` in it. A proxy on the way may have made the tag a weak one. */
function names(header: string | null, tag: string): boolean {
  return (header ?? "").split(",").some((one) => [tag, "*"].includes(one.trim().replace(/^W\//, "")));
}
