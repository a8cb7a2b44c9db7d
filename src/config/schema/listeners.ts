/** The two listeners: the public one for clients, and the one for administrators. */
import { Type } from "@sinclair/typebox";
import { secret } from "../../providers/fields.ts";
import { SIZE } from "../units.ts";
import { duration, map, oneOf } from "./kinds.ts";

const HOST_NAME = "^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$";
const ORIGIN = "^[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\\[[0-9A-Fa-f:]{2,39}\\])(:[0-9]{1,5})?$";
const ORIGIN_TITLE =
  "an origin such as https://app.example or http://localhost:3000: a scheme and a host, without a path or a slash at the end";

const host = (fallback: string, description: string) => Type.String({ minLength: 1, default: fallback, description });
const port = (fallback: number, description: string) => Type.Integer({ minimum: 0, maximum: 65535, default: fallback, description });

export const server = map(
  {
    host: host("0.0.0.0", "Address that the public listener binds."),
    port: port(8080, "Its port; 0 takes any free one. `PORT` in the environment overrides it."),
    max_body: Type.Union([Type.String({ pattern: SIZE }), Type.Integer({ minimum: 1 })], {
      title: "a size such as 32MiB, 10MB or a number of bytes",
      default: "32MiB",
      description: "Largest request body; larger ones are refused with 413.",
    }),
    max_buffered: Type.Union([Type.Literal("auto"), Type.String({ pattern: SIZE }), Type.Integer({ minimum: 1 })], {
      title: '"auto" or a size such as 512MiB, 1GB or a number of bytes',
      default: "auto",
      description:
        "Most bytes that a process holds at the same time: of request bodies, each from its first byte until its answer begins, and of answers that clients have not read yet. One workspace may use half of it. A call beyond that is refused with 503 (529) before its body is read. `auto`: an eighth of the memory of the machine or the container, shared out among `processes`, at most 256MiB, and never less than two of the largest bodies.",
    }),
    max_calls: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 10_000,
      description:
        "Most calls that a process may have open at the same time. A call beyond that is refused with 503 (529) before its body is read.",
    }),
    max_connections: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 20_000,
      description:
        "Most connections of clients that a process may have open at the same time, idle ones included. A client beyond that gets 503, and its connection is closed.",
    }),
    head_timeout: duration(
      "How long the head of a request may take, from the beginning of the connection or from the first byte of the head; 1s to 4m. After that the request is refused with 408, and a connection on which nothing was sent is closed.",
      { default: "10s" },
    ),
    body_timeout: duration(
      "Longest pause inside the body of a request; 1s to 4m. The whole body may take ten times as long. After either time the request is refused with 408.",
      { default: "60s" },
    ),
    reader_timeout: duration(
      "How long a client may read nothing of an answer before its connection is closed; 1s to 4m. Keep it above 15s, because a quiet stream carries a ping every 15s.",
      {
        default: "2m",
      },
    ),
    idle_timeout: duration("How long a connection may stay open without a request; 1s to 4m.", { default: "75s" }),
    drain_timeout: duration("After SIGTERM, how long open calls may take to finish.", { default: "2m" }),
    drain_grace: duration("After SIGTERM, how long new calls are still served, while load balancers learn to use other gateways.", {
      default: "5s",
    }),
    tls: Type.Optional(
      map(
        {
          cert_file: Type.String({
            title: "the path of a file",
            minLength: 1,
            description: "PEM file with the certificate of this server first, then those between it and its authority.",
          }),
          key_file: Type.String({
            title: "the path of a file",
            minLength: 1,
            description: "PEM file with its private key, without a passphrase.",
          }),
        },
        "TLS for clients of the public listener, with this certificate. Left out: plain HTTP. Weir notices new files while it runs. [operations.md](operations.md#tls-for-clients)",
      ),
    ),
    trusted_proxies: Type.Array(
      Type.String({ title: "an address or a network such as 10.0.0.0/8", pattern: "^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$" }),
      {
        default: [],
        description:
          "Addresses and networks of the proxies in front of Weir. From a connection of such a proxy, the client's address is taken from `X-Forwarded-For` or `Forwarded`: it is the last address there that is none of these. The log and the audit show it. Left out: the address of the connection.",
      },
    ),
    server_timing: oneOf(
      ["asked", "always"],
      "Whether answers say in `Server-Timing` where their time went: `asked` (only to requests with the header `x-weir-timing: 1`) or `always`.",
      { default: "asked" },
    ),
    cors: Type.Optional(
      map(
        {
          origins: Type.Unsafe<"*" | string[]>(
            Type.Union([Type.Literal("*"), Type.Array(Type.String({ title: ORIGIN_TITLE, pattern: ORIGIN }), { minItems: 1 })], {
              title: `"*" or a list of origins such as https://app.example`,
              description:
                'Origins of the pages that may call, as the browser\'s address line has them: scheme, host, and port where there is one. `"*"`: pages of any origin.',
            }),
          ),
          max_age: duration(
            "How long a browser may use the answer to its question before it asks again. Browsers have an upper bound too.",
            {
              default: "2h",
            },
          ),
        },
        "Lets web pages of other origins call the public listener, with a key. Cookies are never allowed. A change is in force at once. Left out: a browser's question (`OPTIONS`) is refused with 405, and no page can read an answer.",
      ),
    ),
  },
  "The public listener.",
  { default: {} },
);

export const admin = map(
  {
    host: host("127.0.0.1", "Address that the admin listener binds: metrics, health, keys, console."),
    port: port(9090, "Its port. `ADMIN_PORT` in the environment overrides it."),
    ...secret(
      "token",
      "Token of the admin interface. Needed where `admin.host` is not loopback; without one, only metrics and health answer.",
    ),
    hosts: Type.Array(Type.String({ pattern: HOST_NAME, title: "a host name such as weir-admin.example.com, without a port" }), {
      default: [],
      description:
        "Host names of the admin listener, in addition to addresses, names without a dot and names that end in .localhost, .local, .internal, .svc or .home.arpa. Requests with another name in their Host header are refused: a web page may have sent them.",
    }),
  },
  "The admin listener.",
  { default: {} },
);
