/** How a person starts Weir again, in the folder where it was started. */
import { isAbsolute, join, relative, sep } from "node:path";

/** How this process was started. */
export interface Started {
  /** The program: a runtime, or Weir as one file. */
  execPath: string;
  /** The first argument of the runtime: Weir's entry. */
  script: string;
  /** The current folder; undefined where it is not known. */
  folder: string | undefined;
  isDeno: boolean;
  environment: Readonly<Record<string, string | undefined>>;
}

/** The words before a command of Weir: `npx weir`. */
export function programOf({ execPath, script, folder, isDeno, environment }: Started): string {
  if (isInExecutable(script)) return placeOf(execPath, folder);
  // A user of Deno may have no npm, and npm would replace Deno's packages with its own.
  if (isDeno) return `deno run -A ${placeOf(script, folder)}`;
  // npm and npx have started this process. Bun's script runner sets the variable too, and there may be no npm then.
  if (environment.npm_command && !environment.npm_config_user_agent?.startsWith("bun/")) return "npx weir";
  // Installed for the whole machine, and started by the link that npm has made.
  if (/[\\/]node_modules[\\/]weir[\\/]src[\\/]main\.ts$/.test(script)) return "weir";
  // A shell does not find the runtime that came as a package. This script does; and where npm has put packages there is Node.
  if (/[\\/]node_modules[\\/]/.test(execPath)) return `node ${placeOf(join(script, "../../scripts/weir.mjs"), folder)}`;
  return `bun ${placeOf(script, folder)}`;
}

/** Whether Weir runs as one file. It has no script then: its second word is the path where it was unpacked in memory. */
export function isInExecutable(script: string): boolean {
  return /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(script);
}

/** A path for a shell: relative where the file is in the current folder. */
function placeOf(file: string, folder: string | undefined): string {
  const inside = folder === undefined ? file : relative(folder, file);
  const isOutside = isAbsolute(inside) || inside.startsWith("..");
  const shown = isOutside ? file : inside.includes(sep) ? inside : `.${sep}${inside}`;
  if (sep === "\\") return /\s/.test(shown) ? `"${shown}"` : shown;
  return /[^\w./:@+-]/.test(shown) ? `'${shown.replaceAll("'", "'\\''")}'` : shown;
}
