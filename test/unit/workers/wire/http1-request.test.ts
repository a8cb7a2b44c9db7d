/** A head is written once for all requests that say the same, and never for one that says something else. */
import { expect, test } from "bun:test";
import type { HttpRequest } from "../../../../workers/wire/http.ts";
import { requestHead } from "../../../../workers/wire/http1-request.ts";

const origin = { tls: false, host: "up", port: 80, ca: undefined };
const headers = Object.freeze(["accept", "application/json"]);
const request: HttpRequest = { origin, method: "POST", path: "/a", headers, body: "four" };
const rest = (length: string) => `accept: application/json\r\n${length}connection: keep-alive\r\n\r\n`;

test("a frozen list of headers serves requests that differ in body, path, method and origin", () => {
  const changes: [Partial<HttpRequest>, string][] = [
    [{}, `POST /a HTTP/1.1\r\nhost: up\r\n${rest("content-length: 4\r\n")}`],
    [{ body: "seven !" }, `POST /a HTTP/1.1\r\nhost: up\r\n${rest("content-length: 7\r\n")}`],
    [{ path: "/b" }, `POST /b HTTP/1.1\r\nhost: up\r\n${rest("content-length: 4\r\n")}`],
    [{ path: "/b", method: "GET", body: "" }, `GET /b HTTP/1.1\r\nhost: up\r\n${rest("")}`],
    [{ origin: { ...origin, port: 81 } }, `POST /a HTTP/1.1\r\nhost: up:81\r\n${rest("content-length: 4\r\n")}`],
    [{}, `POST /a HTTP/1.1\r\nhost: up\r\n${rest("content-length: 4\r\n")}`],
  ];
  for (const [change, head] of changes) expect(requestHead({ ...request, ...change })).toBe(head);
});

test("a list that can change is checked each time, and what must not go out is refused each time", () => {
  const own = ["accept", "text/plain"];
  expect(requestHead({ ...request, headers: own })).toContain("accept: text/plain\r\n");
  own[1] = "a\r\nb: c";
  expect(() => requestHead({ ...request, headers: own })).toThrow('"accept"');
  const bad = Object.freeze(["content-length", "1"]);
  for (let round = 0; round < 2; round++) expect(() => requestHead({ ...request, headers: bad })).toThrow("belongs to the HTTP client");
});

test("further headers belong to one request alone, and are checked like the others", () => {
  const further = ["traceparent", "00-a-b-01", "x-request-id", "mine"];
  expect(requestHead({ ...request, further })).toBe(
    "POST /a HTTP/1.1\r\nhost: up\r\naccept: application/json\r\ntraceparent: 00-a-b-01\r\nx-request-id: mine\r\ncontent-length: 4\r\nconnection: keep-alive\r\n\r\n",
  );
  expect(requestHead(request)).not.toContain("traceparent");
  expect(() => requestHead({ ...request, further: ["x-request-id", "a\r\nb: c"] })).toThrow('"x-request-id"');
  expect(() => requestHead({ ...request, further: ["transfer-encoding", "chunked"] })).toThrow("belongs to the HTTP client");
});
