import { describe, expect, test } from "bun:test";
import { TrustedProxies } from "../../../../src/request/client/forwarded.ts";

const PROXY = "10.0.0.5";
const proxies = new TrustedProxies(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]);
const clientOf = (peer: string, headers: Record<string, string>, of: TrustedProxies = proxies) => of.clientOf(peer, new Headers(headers));

/** What a proxy at the other end of the connection sends → the address of the client. */
const told: Record<string, [headers: Record<string, string>, client: string]> = {
  nothing: [{}, PROXY],
  "one address": [{ "x-forwarded-for": "203.0.113.9" }, "203.0.113.9"],
  "an address that the client wrote, and its own": [{ "x-forwarded-for": "198.51.100.1, 203.0.113.9" }, "203.0.113.9"],
  "two proxies, the nearer one trusted": [{ "x-forwarded-for": "198.51.100.1, 203.0.113.9, 10.1.1.1" }, "203.0.113.9"],
  "trusted proxies alone": [{ "x-forwarded-for": "10.3.3.3, 10.1.1.1" }, "10.3.3.3"],
  "a trusted address that the client wrote": [{ "x-forwarded-for": "10.9.9.9, 203.0.113.9" }, "203.0.113.9"],
  "a single trusted address among proxies": [{ "x-forwarded-for": "203.0.113.9,192.0.2.7" }, "203.0.113.9"],
  "a port": [{ "x-forwarded-for": "203.0.113.9:4711" }, "203.0.113.9"],
  "an address of IPv6": [{ "x-forwarded-for": "2001:db8::1" }, "2001:db8::1"],
  "one with a port": [{ "x-forwarded-for": "[2001:DB8::1]:4711" }, "2001:db8::1"],
  "a mapped address": [{ "x-forwarded-for": "::ffff:203.0.113.9" }, "203.0.113.9"],
  nonsense: [{ "x-forwarded-for": "nobody" }, PROXY],
  "nonsense before a proxy": [{ "x-forwarded-for": "unknown, 10.1.1.1" }, "10.1.1.1"],
  emptiness: [{ "x-forwarded-for": "" }, PROXY],
  "a text with line breaks in JSON": [{ "x-forwarded-for": '","level":"error' }, PROXY],
  "the standard header": [{ forwarded: "for=203.0.113.9;proto=https;by=10.0.0.5" }, "203.0.113.9"],
  "the standard header, quoted and with a port": [{ forwarded: 'proto=https; For="[2001:db8::1]:4711"' }, "2001:db8::1"],
  "the standard header, several proxies": [{ forwarded: "for=198.51.100.1, for=203.0.113.9, for=10.1.1.1" }, "203.0.113.9"],
  "the standard header, a hidden name": [{ forwarded: "for=203.0.113.9, for=_hidden" }, PROXY],
  "both, which agree": [{ "x-forwarded-for": "203.0.113.9", forwarded: "for=203.0.113.9" }, "203.0.113.9"],
  "both, which differ: one is the client's own invention": [{ "x-forwarded-for": "203.0.113.9", forwarded: "for=198.51.100.1" }, PROXY],
};

describe("the address of a client behind trusted proxies", () => {
  for (const [what, [headers, client]] of Object.entries(told)) {
    test(what, () => expect(clientOf(PROXY, headers)).toBe(client));
  }

  test("the headers of a client that is no trusted proxy are ignored", () => {
    expect(clientOf("203.0.113.77", { "x-forwarded-for": "198.51.100.1" })).toBe("203.0.113.77");
    expect(clientOf(PROXY, { "x-forwarded-for": "198.51.100.1" }, new TrustedProxies([]))).toBe(PROXY);
    expect(clientOf("unknown", { "x-forwarded-for": "198.51.100.1" })).toBe("unknown");
  });

  test("a proxy is known by its IPv4 address, whatever kind of socket it uses, and by its IPv6 address", () => {
    expect(clientOf("::ffff:10.0.0.5", { "x-forwarded-for": "198.51.100.1" })).toBe("198.51.100.1");
    expect(clientOf("fd12::1", { "x-forwarded-for": "198.51.100.1" })).toBe("198.51.100.1");
    expect(clientOf("::ffff:172.16.0.9", { "x-forwarded-for": "198.51.100.1" }, new TrustedProxies(["::ffff:172.16.0.0/108"]))).toBe(
      "198.51.100.1",
    );
  });

  test("of an endless list, only as many addresses are read as proxies may be in a row", () => {
    const list = [...Array.from({ length: 5_000 }, () => "10.1.1.1")].join(",");
    expect(clientOf(PROXY, { "x-forwarded-for": `203.0.113.9,${list}` })).toBe("10.1.1.1");
  });
});
