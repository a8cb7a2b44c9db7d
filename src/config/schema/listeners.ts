/** The two listeners: what clients speak to, and what administrators do. */
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
        "Bytes of request bodies that a process holds at a time, each from its first byte until its answer begins, and of answers that their clients have yet to take; a workspace may take half of it. Beyond it a call is refused with 503 (529) before its body is read. `auto`: an eighth of the memory of the machine or the container, shared out among `processes`, at most 256MiB, and never less than two of the largest bodies.",
    }),
    max_calls: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      default: 10_000,
      description: "Calls that a process has open at a time. Beyond it a call is refused with 503 (529) before its body is read.",
    }),
    max_connections: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 20_000,
      description:
        "Connections of clients that a process has open at a time, idle ones included. Beyond it a client gets 503 and is closed.",
    }),
    head_timeout: duration(
      "How long the head of a request may take, from the connection's beginning or the head's first byte; 1s to 4m. Then it is refused with 408, and a client that has sent nothing is closed.",
      { default: "10s" },
    ),
    body_timeout: duration(
      "How long a client may send nothing while its request's body comes; 1s to 4m. The whole body may take ten times as long; then, too, it is refused with 408.",
      { default: "60s" },
    ),
    reader_timeout: duration(
      "How long a client may take nothing of an answer before its connection is cut; 1s to 4m. Keep it above 15s, after which a quiet stream carries a ping.",
      {
        default: "2m",
      },
    ),
    idle_timeout: duration("How long a connection may stay open without a request; 1s to 4m.", { default: "75s" }),
    drain_timeout: duration("After SIGTERM, how long open calls may take to finish.", { default: "2m" }),
    drain_grace: duration("After SIGTERM, how long new calls are still served while load balancers turn away.", { default: "5s" }),
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
        "TLS for clients of the public listener, by a certificate of its own; left out, it speaks plain HTTP. New files are taken up while Weir runs. [operations.md](operations.md#tls-for-clients)",
      ),
    ),
    trusted_proxies: Type.Array(
      Type.String({ title: "an address or a network such as 10.0.0.0/8", pattern: "^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$" }),
      {
        default: [],
        description:
          "Addresses and networks of the proxies in front. What they say of a client's address in `X-Forwarded-For` or `Forwarded` is believed, from the right and only as far as these reach; it is what the log and the audit show. Left out: the connection's own address.",
      },
    ),
    server_timing: oneOf(
      ["asked", "always"],
      "Whether answers say in `Server-Timing` where their time went: `asked`, to requests that have the header `x-weir-timing: 1`, or `always`.",
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
          max_age: duration("How long a browser may keep what it was told, before it asks again; browsers have a bound of their own.", {
            default: "2h",
          }),
        },
        "Web pages of other origins may call the public listener, with a key. Cookies are never let through. In force at once after a change. Left out: a browser's question (`OPTIONS`) is refused with 405, and no page can read an answer.",
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
        "Names by which the admin listener is asked, besides addresses, names without a dot and those that end in .localhost, .local, .internal, .svc or .home.arpa. Requests with another name in their Host header are refused: a web page may have sent them.",
    }),
  },
  "The admin listener.",
  { default: {} },
);
