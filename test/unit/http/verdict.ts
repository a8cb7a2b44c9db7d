/** The answers in what a server sent, as the exam names them. */
export function verdictOf(received: string): string[] {
  const verdict: string[] = [];
  for (let at = 0; at < received.length; ) {
    const end = received.indexOf("\r\n\r\n", at);
    const head = end < 0 ? "" : received.slice(at, end);
    const status = /^HTTP\/1\.[01] (\d{3}) /.exec(head)?.[1];
    if (status === undefined) return [...verdict, `garbage: ${JSON.stringify(received.slice(at, at + 60))}`];
    at = end + 4;
    if (status === "100") continue;
    const isHead = /\r\nx-method: HEAD/i.test(head);
    const length = isHead ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) {
      // The rest is the body, or there is none.
      verdict.push(status);
      break;
    }
    const body = received.slice(at, at + length);
    if (body.length < length) return [...verdict, "cut short"];
    at += length;
    verdict.push(status !== "200" ? status : isHead ? "200 HEAD" : `200 ${body}`);
  }
  return verdict;
}
