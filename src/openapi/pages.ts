import { openapiDocument } from "../openapi.ts";
import { docsPage } from "./page.ts";

/** What is published of the gateway itself, by path: for tools and for people. `version` is Weir's own. */
export function publishedPages(version: string): Readonly<Record<string, { type: string; text: string }>> {
  const document = openapiDocument(version);
  return {
    "/openapi.json": { type: "application/json", text: JSON.stringify(document) },
    "/docs": { type: "text/html; charset=utf-8", text: docsPage(document) },
  };
}
