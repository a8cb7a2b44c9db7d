/** Who sits the exam of the HTTP clients, and what each cannot do. */

import { createHttp1Client } from "../../../../workers/wire/http1.ts";
import type { Implementation } from "./http-exam.ts";
import { createFetchClient } from "./http-fetch.ts";

export const IMPLEMENTATIONS: readonly Implementation[] = [
  { name: "http1", create: (options) => createHttp1Client(options), givesReasons: true, skip: [] },
  {
    name: "http1 over the sockets of node:net",
    create: (options) => createHttp1Client({ ...options, sockets: "node" }),
    givesReasons: true,
    skip: [],
  },
  {
    name: "fetch",
    create: () => createFetchClient(),
    givesReasons: false,
    // As Bun 1.4 has it; the exam runs over fetch on Bun only.
    skip: [
      {
        reason: "accepts what it should refuse",
        cases: [
          "an answer that is cut short is broken, never complete: in the trailer",
          "an answer that the peer resets in its middle",
          "a malformed answer is refused: a status out of range",
          "a malformed answer is refused: lines that end with LF alone",
          "a malformed answer is refused: a length beside chunks",
          "a malformed answer is refused: an unknown transfer-encoding",
          "a malformed answer is refused: a header longer than any",
          "a malformed answer is refused: a trailer without a header",
          "a malformed answer is refused: an endless chunk extension",
          "a malformed answer is refused while the peer keeps the connection open",
        ],
      },
      {
        reason: "its pool is the process's own: no hints, no time limit, no closing, no second try of a POST",
        cases: [
          "an upstream's hint of its idle limit is kept",
          "an idle connection is closed after its time",
          "closing the client closes idle connections",
          "a used connection that closes before one byte",
          "a used connection that closes long after",
          "a fresh connection that closes before one byte",
        ],
      },
      { reason: "Bun's fetch runs 256 requests at a time and lets the rest wait", cases: ["300 calls are open at once"] },
      {
        reason: "it takes no proxy of ours",
        cases: ["a call to https goes through", "a call to http goes through", "a proxy that refuses"],
      },
    ],
  },
];
