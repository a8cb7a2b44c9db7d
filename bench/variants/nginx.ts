/** nginx in a usual configuration for such an upstream: one worker, kept connections to the upstream, no buffering. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../test/support/waits.ts";
import { startProgram } from "../processes.ts";
import type { Variant, World } from "../variant.ts";
import { cloudAddress } from "./direct.ts";

/** The version of the installed nginx; undefined where there is none. */
export const nginxVersion = /nginx\/(\S+)/.exec(spawnSync("nginx", ["-v"], { encoding: "utf8" }).stderr ?? "")?.[1];

function configuration({ upstreamUrl, certificate }: World, folder: string, port: number): string {
  const { protocol, host } = new URL(upstreamUrl);
  const trust =
    certificate === undefined ? "" : `proxy_ssl_verify on; proxy_ssl_name 127.0.0.1; proxy_ssl_trusted_certificate ${certificate};`;
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ");
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 32768; }
http {
  ${places}
  access_log off;
  client_max_body_size 64m;
  client_body_buffer_size 16m;
  upstream stand_in { server ${host}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 1000000000;
    location / {
      proxy_pass ${protocol}//stand_in;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      ${trust}
    }
  }
}
`;
}

export const nginx: Variant = {
  name: "nginx",
  isCompiled: true,
  async start(world) {
    const folder = mkdtempSync(join(world.folder, "nginx-"));
    // nginx cannot let the system choose a port.
    const port = await freePort();
    writeFileSync(join(folder, "nginx.conf"), configuration(world, folder, port));
    const program = await startProgram(
      ["nginx", "-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")],
      /start worker process \d+/,
    );
    return { url: `http://127.0.0.1:${port}`, address: cloudAddress, pids: () => [program.pid], stop: program.stop };
  },
};
