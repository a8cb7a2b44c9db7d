/**
 * Runs the steps of a Dockerfile without Docker, in folders: enough of its language for ours (FROM … AS, WORKDIR, COPY, RUN, ENV, and what is only
 * noted). Anything else is an error, so that a step that is not understood cannot pass for one that was run.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface Image {
  /** Where `/weir` of the last stage is. */
  folder: string;
  /** Where `/data` is, which is the volume and the last WORKDIR; who owns it is `dataOwner`. */
  data: string;
  dataOwner: string | undefined;
  exposed: number[];
  base: string;
  environment: Record<string, string>;
  user: string | undefined;
  command: string[];
  healthCheck: string[];
}

export interface Build {
  /** By default `Dockerfile`. */
  file?: string;
  /** The repository. */
  context: string;
  /** An empty folder, which gets one folder per stage. */
  scratch: string;
  /** For RUN. */
  environment: Record<string, string>;
}

/** @throws Error where a step fails or is not understood. */
export function buildImage({ file = "Dockerfile", context, scratch, environment }: Build): Image {
  const sent = sendContext(context, mkdtempSync(join(scratch, "context-")));
  const stages = new Map<string, string>();
  const defaults = new Map<string, string>();
  let image: Image | undefined;
  for (const { word, rest } of steps(readFileSync(join(context, file), "utf8"))) {
    if (word === "ARG") {
      const [name = "", value] = rest.split("=");
      // Ours are what images are made from: known before the first one, and nothing without a default.
      if (image || value === undefined) throw new Error(`ARG ${rest}: it is taken to stand before FROM, and to have a default`);
      defaults.set(name, value);
      continue;
    }
    if (word === "FROM") {
      const [written = "", , name = `stage-${stages.size}`] = rest.split(/\s+/);
      const base = written.replace(/^\$\{(\w+)\}$/, (_, argument: string) => defaults.get(argument) ?? "");
      const folder = mkdtempSync(join(scratch, `${name}-`));
      stages.set(name, folder);
      image = {
        folder,
        data: `${folder}-data`,
        dataOwner: undefined,
        exposed: [],
        base,
        environment: {},
        user: undefined,
        command: [],
        healthCheck: [],
      };
      continue;
    }
    if (!image) throw new Error(`${word} before FROM`);
    apply(word, rest, image, { sent, stages, environment });
  }
  if (!image) throw new Error("no FROM");
  return image;
}

interface Surroundings {
  sent: string;
  stages: Map<string, string>;
  environment: Record<string, string>;
}

function apply(word: string, rest: string, image: Image, { sent, stages, environment }: Surroundings): void {
  switch (word) {
    case "WORKDIR":
      if (rest !== "/weir" && rest !== "/data")
        throw new Error(`WORKDIR ${rest}: the stages are taken to be at /weir, and to run in /data`);
      return;
    case "VOLUME":
      if (rest !== "/data" || !existsSync(image.data)) throw new Error(`VOLUME ${rest}: it is taken to be /data, and to be there`);
      return;
    case "EXPOSE":
      image.exposed = rest.split(/\s+/).map(Number);
      return;
    case "USER":
      image.user = rest;
      return;
    case "ENV":
      for (const pair of rest.split(/\s+/)) image.environment[pair.slice(0, pair.indexOf("="))] = pair.slice(pair.indexOf("=") + 1);
      return;
    case "CMD":
      image.command = words(rest, image);
      return;
    case "HEALTHCHECK":
      image.healthCheck = words(rest.slice(rest.indexOf("CMD") + 3), image);
      return;
    case "COPY": {
      const [, stage, owner, paths = ""] = rest.match(/^(?:--from=(\S+)\s+)?(?:--chown=(\S+)\s+)?(.*)$/) ?? [];
      const sources = paths.split(/\s+/);
      const place = sources.pop() ?? "";
      if (place.startsWith("/") !== (place === "/data"))
        throw new Error(`COPY ${rest}: copied is to /weir, by relative paths, and to /data`);
      const target = place === "/data" ? image.data : join(image.folder, place);
      if (place === "/data") image.dataOwner = owner;
      const from = stage === undefined ? sent : stages.get(stage);
      if (from === undefined) throw new Error(`COPY ${rest}: no such stage`);
      for (const source of sources) {
        const path = join(from, source.replace(/^\/weir\//, ""));
        const into = paths.endsWith("/") && source !== "." ? join(target, basename(source)) : target;
        if (!existsSync(path)) throw new Error(`COPY ${rest}: ${source} is not there (left out by .dockerignore?)`);
        cpSync(path, into, { recursive: true });
      }
      return;
    }
    case "RUN": {
      const { status, stdout, stderr } = spawnSync("sh", ["-c", rest], {
        cwd: image.folder,
        encoding: "utf8",
        env: { ...environment, ...image.environment },
      });
      if (status !== 0) throw new Error(`RUN ${rest}: exit ${status}\n${stdout}${stderr}`);
      return;
    }
    default:
      throw new Error(`${word} is not understood`);
  }
}

/** A command in which the paths of the image are the folders that stand for them. */
function words(json: string, { folder, data }: Image): string[] {
  const parsed: unknown = JSON.parse(json);
  if (!Array.isArray(parsed)) throw new Error(`not in exec form: ${json}`);
  return parsed.map((word) =>
    String(word)
      .replace(/^\/weir(?=\/)/, folder)
      .replace(/^\/data(?=\/)/, data),
  );
}

function* steps(text: string): Generator<{ word: string; rest: string }> {
  const joined = text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, "");
  for (const line of joined.split("\n")) {
    const [, word, rest] = line.match(/^([A-Z]+)\s+(.*?)\s*$/) ?? [];
    if (word !== undefined && rest !== undefined) yield { word, rest };
    else if (line.trim() !== "") throw new Error(`not a step: ${line}`);
  }
}

/** What the daemon would be sent. Our .dockerignore leaves out everything (`*`) and names what goes (`!name`). */
function sendContext(context: string, folder: string): string {
  const lines = readFileSync(join(context, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== "*" || lines.slice(1).some((line) => !/^![\w.-]+$/.test(line))) throw new Error(".dockerignore is not an allow-list");
  mkdirSync(folder, { recursive: true });
  const allowed = new Set(lines.slice(1).map((line) => line.slice(1)));
  for (const name of readdirSync(context)) if (allowed.has(name)) cpSync(join(context, name), join(folder, name), { recursive: true });
  return folder;
}
