/** What every server of the exam does with a request: it says what it has understood. */
export function echo(method: string, target: string, body: string): string {
  return `${method} ${target} ${JSON.stringify(body)}`;
}
