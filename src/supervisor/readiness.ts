import type { Readiness } from "../contract/readiness.ts";

/** The readiness that a process has answered, or why it has not. */
export interface MemberReadiness {
  index: number;
  ready: boolean;
  /** Undefined where it could not be asked: `absence` says why. */
  detail: Readonly<Record<string, string>> | undefined;
  absence?: string;
}

/** Ready while one process is ready. A line that is the same in all processes is shown once, any other line once for each process. */
export function mergeReadiness(draining: boolean, members: readonly MemberReadiness[]): Readiness {
  const answered = members.flatMap(({ index, detail }) => (detail === undefined ? [] : [{ index, detail }]));
  const parts = [...new Set(answered.flatMap(({ detail }) => Object.keys(detail)))].filter((part) => part !== "gateway");
  const gateway = draining ? "draining" : processesLine(members);
  return {
    ready: !draining && members.some(({ ready }) => ready),
    detail: { gateway, ...Object.fromEntries(parts.map((part) => [part, merge(part, answered)])) },
  };
}

function processesLine(members: readonly MemberReadiness[]): string {
  const ready = members.filter((member) => member.ready).length;
  const others = members
    .filter((member) => !member.ready)
    .map(({ index, detail, absence }) => `process ${index}: ${absence ?? (detail?.gateway === "ok" ? "not ready" : detail?.gateway)}`);
  const count = `${ready} of ${members.length} processes ready`;
  return others.length === 0 ? `ok: ${count}` : `${count}; ${others.join("; ")}`;
}

function merge(part: string, answered: readonly { index: number; detail: Readonly<Record<string, string>> }[]): string {
  const lines = answered.map(({ index, detail }) => ({ index, text: detail[part] ?? "unknown" }));
  const [first, ...others] = lines;
  if (first !== undefined && others.every(({ text }) => text === first.text))
    return others.length === 0 ? first.text : `${first.text} (in each process)`;
  return lines.map(({ index, text }) => `process ${index}: ${text}`).join("; ");
}
