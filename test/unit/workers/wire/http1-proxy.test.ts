import { describe, expect, test } from "bun:test";
import { proxyChoice } from "../../../../workers/wire/proxy.ts";

const at = (host: string, port = 443, tls = true) => ({ tls, host, port, ca: undefined });

describe("which calls go through a proxy", () => {
  const direct = (no: string, host: string, port?: number) => proxyChoice({ https: "http://proxy:3128", no })(at(host, port)) === undefined;

  test("each scheme has its own proxy, and none is needed", () => {
    const choose = proxyChoice({ https: "http://secure:1", http: "plain:2" });
    expect(choose(at("a.example"))).toMatchObject({ host: "secure", port: 1, authorization: undefined });
    expect(choose(at("a.example", 80, false))).toMatchObject({ host: "plain", port: 2 });
    expect(proxyChoice({ https: "http://secure:1" })(at("a.example", 80, false))).toBeUndefined();
    expect(proxyChoice(undefined)(at("a.example"))).toBeUndefined();
    expect(proxyChoice({ https: "", http: " " })(at("a.example"))).toBeUndefined();
    expect(proxyChoice({ https: "http://[::1]:8080" })(at("a.example"))).toMatchObject({ host: "::1", port: 8080 });
    expect(proxyChoice({ https: "proxy.example" })(at("a.example"))).toMatchObject({ port: 80 });
  });

  test("a name in NO_PROXY matches itself and its subdomains, and nothing that merely ends like it", () => {
    for (const no of ["example.com", ".example.com", "*.example.com", "other,example.com", "other example.com", " EXAMPLE.com. "]) {
      expect([no, direct(no, "api.example.com")]).toEqual([no, true]);
      expect([no, direct(no, "example.com")]).toEqual([no, true]);
      expect([no, direct(no, "notexample.com")]).toEqual([no, false]);
      expect([no, direct(no, "example.com.evil")]).toEqual([no, false]);
    }
    expect(direct("*", "anything")).toBe(true);
    expect(direct("", "anything")).toBe(false);
    expect(direct("API.Example.com", "api.example.COM.")).toBe(true);
  });

  test("a port in NO_PROXY limits the exception to it", () => {
    expect(direct("example.com:8443", "example.com", 8443)).toBe(true);
    expect(direct("example.com:8443", "example.com", 443)).toBe(false);
  });

  test("addresses match themselves, IPv6 with and without brackets", () => {
    expect(direct("10.0.0.1", "10.0.0.1")).toBe(true);
    expect(direct("0.0.1", "10.0.0.1")).toBe(false);
    for (const no of ["fe80::1", "[fe80::1]", "[fe80::1]:443"])
      for (const host of ["fe80::1", "[fe80::1]"]) expect([no, host, direct(no, host)]).toEqual([no, host, true]);
  });

  test("loopback is always direct", () => {
    for (const host of ["localhost", "a.localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
      expect([host, direct("", host)]).toEqual([host, true]);
  });

  test("a proxy that cannot be used is refused without repeating its password", () => {
    for (const address of ["socks5://user:hunter2@host:1", "https://user:hunter2@host:1", "http://user:hunter2@:99999"]) {
      const make = () => proxyChoice({ https: address });
      expect(make).toThrow(/^HTTPS_PROXY /);
      expect(make).not.toThrow(/hunter2/);
    }
  });
});
