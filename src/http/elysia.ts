/**
 * Runs Elysia over our own requests and answers, by an adapter of Elysia's. Routes, hooks and parameters are Elysia's. What a handler returns
 * goes to the server unchanged, and paths are matched as the client sent them.
 */
import type { ElysiaAdapter } from "elysia/adapter";
import { WebStandardAdapter } from "elysia/adapter/web-standard";
import { Reply } from "../contract/http.ts";

type Set = Parameters<ElysiaAdapter["handler"]["mapResponse"]>[1];

const { handler, composeGeneralHandler } = WebStandardAdapter;

/** Elysia's own mapping, for values that are not an answer yet. */
function mapped(response: unknown, set: Set, request: unknown): unknown {
  if (response instanceof Reply) return response;
  if (response instanceof Promise) return response.then((answer) => mapped(answer, set, request));
  return handler.mapResponse(response, set, request);
}

/** For `new Elysia({ adapter })`: handlers get an `Asked` as their `request`, and may answer with a `Reply`. */
export const askedAdapter: ElysiaAdapter = {
  ...WebStandardAdapter,
  name: "weir",
  handler: {
    ...handler,
    mapResponse: mapped,
    mapEarlyResponse: (response, set, request) =>
      response === undefined || response === null ? undefined : mapped(response, set, request),
    mapCompactResponse: (response, request) => {
      if (response instanceof Reply) return response;
      if (response instanceof Promise) return response.then((answer) => mapped(answer, { headers: {} }, request));
      return handler.mapCompactResponse(response, request);
    },
  },
  composeGeneralHandler: {
    ...composeGeneralHandler,
    /** Elysia's own code looks for the path behind a scheme and a host; our addresses have neither. */
    createContext: (app) => {
      const written = composeGeneralHandler.createContext(app);
      const [line = ""] = written.split("\n", 1);
      if (!line.startsWith("const u=r.url,s="))
        throw new Error("Elysia writes its contexts in another way: src/http/elysia.ts has to follow");
      return `const u=r.url,s=0,qi=u.indexOf('?'),p=qi===-1?u:u.substring(0,qi)${written.slice(line.length)}`;
    },
  },
};
