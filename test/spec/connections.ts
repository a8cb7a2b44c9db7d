/** What a client may do to a connection before its request has been understood: addresses that are none, paths that lead elsewhere, calls at once. */
import { describe, expect } from "bun:test";
import { connect } from "node:net";
import { DIALECTS, type Spoken } from "./dialects.ts";
import { KEY, type World } from "./world.ts";

const CRLF = "\r\n";

/** Each line instead of a good `Host`. */
const BAD_HOSTS: readonly { what: string; version?: string; lines: string[] }[] = [
  { what: "that is no address", lines: ["Host: ["] },
  { what: "that is empty", lines: ["Host:"] },
  { what: "with a blank", lines: ["Host: a b"] },
  { what: "with a scheme", lines: ["Host: http://gw"] },
  { what: "with a path", lines: ["Host: gw/v1"] },
  { what: "with a query", lines: ["Host: gw?x"] },
  { what: "with a backslash", lines: ["Host: gw\\x"] },
  { what: "with a user", lines: ["Host: root@gw"] },
  { what: "with a percent sign", lines: ["Host: %"] },
  { what: "with a port that is none", lines: ["Host: gw:99999"] },
  { what: "with a number that is no address", lines: ["Host: 256.256.256.256"] },
  { what: "that is missing, from a client of HTTP/1.0", version: "1.0", lines: [] },
];

const PATHS = ["/healthz", "/nowhere", "/openai/eu/v1/models", "/openai/eu/v1/chat/completions"];

/** Each would be `/healthz`, or the route of the models, if it were resolved. */
const LED_ELSEWHERE = [
  "/x/../healthz",
  "/x/%2e%2e/healthz",
  "/x/%2E%2e/healthz",
  "/x/.%2e/healthz",
  "/./healthz",
  "/%2e/healthz",
  "//x/../healthz",
  "//x//..//healthz",
  "/..//healthz",
  "/healthz/x/..",
  "/healthz/.",
  "\\healthz",
  "/x/..\\healthz",
  "/x\\..\\healthz",
  "/x%5c..%5chealthz",
  "/openai\\eu/v1/models",
  "/anthropic/../openai/eu/v1/models",
  "/openai/us/%2e%2e/eu/v1/models",
];

export function specifyConnections(world: World): void {
  const ports = () => [world.weir.url, world.weir.adminUrl].map((url) => Number(new URL(url).port));

  for (const { what, version = "1.1", lines } of BAD_HOSTS) {
    world.sentence(`a Host header ${what} is a short 400 in JSON, on both ports and every path`, async () => {
      const before = world.weir.output().length;
      for (const port of ports()) {
        for (const path of PATHS) {
          for (const method of ["GET", "POST"]) {
            const { status, body } = await exchange(port, [
              `${method} ${path} HTTP/${version}`,
              ...lines,
              "Connection: close",
              "Content-Length: 0",
            ]);
            expect([method, path, status]).toEqual([method, path, 400]);
            expect(body.length).toBeLessThan(400);
            expect(JSON.stringify(JSON.parse(body))).toContain("Host header");
          }
        }
      }
      expect(notLogged(world.weir.output().slice(before))).toEqual([]);
    });
  }

  world.sentence("names, addresses and ports are good hosts", async () => {
    for (const host of ["gw", "gw:8080", "api.weir.example", "10.0.0.1:80", "[::1]:8080", "my_host", "GW."]) {
      for (const port of ports()) {
        const { status } = await exchange(port, ["GET /healthz HTTP/1.1", `Host: ${host}`, "Connection: close"]);
        expect([host, status]).toEqual([host, 200]);
      }
    }
  });

  world.sentence("a path with a backslash or a part of dots, encoded or not, is refused and not resolved", async () => {
    for (const path of LED_ELSEWHERE) {
      for (const port of ports()) {
        const { status, body } = await exchange(port, [`GET ${path} HTTP/1.1`, "Host: gw", `x-api-key: ${KEY}`, "Connection: close"]);
        expect([path, status]).toEqual([path, 400]);
        if (body !== "") expect(body).toMatch(/path/);
      }
    }
  });

  world.sentence("dots within a part, and in the query, are just dots", async () => {
    for (const path of ["/healthz?x=../y", "/healthz?x=a\\b", "//healthz?/../x"]) {
      const { status } = await exchange(ports()[0] ?? 0, [`GET ${path} HTTP/1.1`, "Host: gw", "Connection: close"]);
      expect([path, status]).toEqual([path, 200]);
    }
    const { status } = await exchange(ports()[0] ?? 0, [
      "GET /openai/eu/v1/models/..gpt HTTP/1.1",
      "Host: gw",
      `x-api-key: ${KEY}`,
      "Connection: close",
    ]);
    expect(status).toBe(404);
  });

  world.sentence("doubled slashes and one at the end do no harm to what everybody may ask for", async () => {
    const paths: [number, string[]][] = [
      [0, ["/healthz", "/readyz", "/openapi.json", "/docs"]],
      [1, ["/healthz", "/readyz", "/metrics", "/admin/openapi.json"]],
    ];
    for (const [at, known] of paths) {
      for (const path of known) {
        for (const variant of [path, `/${path}`, `${path}/`, `/${path}/`]) {
          const { status } = await exchange(ports()[at] ?? 0, [`GET ${variant} HTTP/1.1`, "Host: gw", "Connection: close"]);
          expect([at, variant, status]).toEqual([at, variant, 200]);
        }
      }
    }
  });

  for (const dialect of DIALECTS) {
    describe(dialect.name, () => {
      world.sentence("two calls in one packet both get their answers, in order", () => pipeline(world, dialect, 2));
      world.sentence("ten calls in one packet, large and small, get their answers, in order", () => pipeline(world, dialect, 10));
    });
  }
}

async function pipeline(world: World, dialect: Spoken, count: number): Promise<void> {
  const models = Array.from({ length: count }, (_, index) => `nobody-knows-${index}`);
  const requests = models.map((model, index) => {
    // The first is answered by the cloud, which takes longer than the refusals behind it.
    const fields = index === 0 ? {} : { model };
    const body = JSON.stringify(dialect.body(`hello ${"weir ".repeat(index % 3 === 1 ? 20_000 : 1)}`, fields));
    const head = [`POST ${dialect.path} HTTP/1.1`, "Host: gw", `x-api-key: ${KEY}`, "content-type: application/json"];
    const last = index === count - 1 ? ["Connection: close"] : [];
    return [...head, ...last, `content-length: ${body.length}`, "", body].join(CRLF);
  });
  const answers = await raw(Number(new URL(world.weir.url).port), requests.join(""));
  const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  expect(statuses).toEqual(models.map((_, index) => (index === 0 ? 200 : 404)));
  const named = [...answers.matchAll(/nobody-knows-(\d+)/g)].map(([, index]) => Number(index));
  expect([...new Set(named)]).toEqual(models.slice(1).map((_, index) => index + 1));
}

async function exchange(port: number, lines: string[]): Promise<{ status: number; body: string }> {
  const text = await raw(port, `${lines.join(CRLF)}${CRLF}${CRLF}`);
  const end = text.indexOf(CRLF + CRLF);
  return { status: Number(text.split(" ")[1]), body: text.slice(end + 4) };
}

/** All that comes until the other side closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    let received = "";
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

/** Lines that are no entries of the log. */
function notLogged(output: string): string[] {
  return output.split("\n").filter((line) => line !== "" && !/^\{.*\}$/.test(line));
}
