/** Most texts that are remembered. A configuration or a protocol has some dozens of names, and texts from outside must not fill the memory. */
const MOST = 1_000;

/** Returns a function that calls `make` once for each text and keeps the result: for results that follow from a model's name or the like, and are needed for each call. */
export function remembered<T>(make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    if (known.has(text)) return known.get(text) as T;
    const made = make(text);
    if (known.size < MOST) known.set(text, made);
    return made;
  };
}
