/** Durations and sizes as people write them. */

export const DURATION = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$";
/** As `DURATION`, in days too: for times that are longer than a call. */
export const SPAN = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$";
export const SIZE = "^[0-9]+(\\.[0-9]+)? ?(B|kB|KB|KiB|MB|MiB|GB|GiB)?$";

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  KiB: 1024,
  MB: 1e6,
  MiB: 1024 ** 2,
  GB: 1e9,
  GiB: 1024 ** 3,
};

/** Milliseconds of a duration that matches `DURATION` or `SPAN`: `50ms`, `1.5s`, `1h30m`, `30d`. */
export function milliseconds(duration: string): number {
  let total = 0;
  for (const [, amount = "", unit = ""] of duration.matchAll(/([0-9.]+)(ms|s|m|h|d)/g))
    total += Number(amount) * (MILLISECONDS[unit] ?? Number.NaN);
  return Math.round(total);
}

/** Bytes of a size that matches `SIZE` or is a plain number of bytes: `32MiB`, `10MB`, `1048576`. */
export function bytes(size: string | number): number {
  const [, amount = "", unit = ""] = /^([0-9.]+) ?([A-Za-z]*)$/.exec(String(size)) ?? [];
  return Math.floor(Number(amount) * (BYTES[unit] ?? Number.NaN));
}

/** A number of milliseconds in the largest unit that holds it exactly, for messages. */
export function durationText(durationMs: number): string {
  for (const unit of ["h", "m", "s"]) {
    const size = MILLISECONDS[unit] ?? 1;
    if (durationMs >= size && durationMs % size === 0) return `${durationMs / size}${unit}`;
  }
  return `${durationMs}ms`;
}

/** A number of bytes in the largest unit that holds it exactly, for messages. */
export function sizeText(size: number): string {
  for (const unit of ["GiB", "MiB", "KiB", "GB", "MB", "kB"]) {
    const one = BYTES[unit] ?? 1;
    if (size >= one && size % one === 0) return `${size / one} ${unit}`;
  }
  return `${size} bytes`;
}
