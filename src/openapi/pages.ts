import { openapiDocument } from "../openapi.ts";
import { PUBLIC_PREFIX } from "../routes.ts";
import { docsPage, type PageSetting } from "./page.ts";

const PAGE: PageSetting = {
  intro: `<p>A key goes into one of three headers: <code>Authorization: Bearer</code>, <code>x-api-key</code> or <code>api-key</code>. Every route below that needs one is there a second time below <code>${PUBLIC_PREFIX}</code>.</p>`,
  address: ["WEIR_URL", "https://weir.example.com"],
  key: ["WEIR_KEY", "weir_…"],
};

/** What is published of the gateway itself, by path: for tools and for people. `version` is Weir's own. */
export function publishedPages(version: string): Readonly<Record<string, { type: string; text: string }>> {
  const document = openapiDocument(version);
  return {
    "/openapi.json": { type: "application/json", text: JSON.stringify(document) },
    "/docs": { type: "text/html; charset=utf-8", text: docsPage(document, PAGE) },
  };
}
