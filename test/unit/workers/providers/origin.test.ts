import { expect, test } from "bun:test";
import { upstreamAddress } from "../../../../workers/providers/origin.ts";
import { upstream } from "./upstream.ts";

test.each([
  ["https://acme.openai.azure.com", true, "acme.openai.azure.com", 443, "acme.openai.azure.com", ""],
  ["https://acme.openai.azure.com/", true, "acme.openai.azure.com", 443, "acme.openai.azure.com", ""],
  ["https://proxy.example:8443/aws//", true, "proxy.example", 8443, "proxy.example:8443", "/aws"],
  ["http://[::1]:9000/a/b", false, "::1", 9000, "[::1]:9000", "/a/b"],
  ["http://127.0.0.1", false, "127.0.0.1", 80, "127.0.0.1", ""],
])("%s has its origin, host and path", (endpoint, tls, name, port, host, base) => {
  expect(upstreamAddress({ ...upstream("azure", {}), ca: "PEM" }, endpoint)).toEqual({
    origin: { tls, host: name, port, ca: "PEM" },
    host,
    base,
  });
});
