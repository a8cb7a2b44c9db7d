/** Reads answers as strictly as a server should write them. */

export interface Answer {
  status: number;
  headers: Map<string, string>;
  body: Buffer;
  /** It came to its own end. */
  isWhole: boolean;
  /** The server says that the connection is over after it. */
  closes: boolean;
}

export interface Read {
  answers: Answer[];
  /** What follows the last answer that is whole. */
  rest: Buffer;
  /** What no server may write, in one sentence. */
  flaw: string | undefined;
}

const HEAD_END = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;

/** @param isOver - Nothing more will come. @param isHead - The answers have no bodies. */
export function readAnswers(bytes: Buffer, isOver: boolean, isHead: boolean): Read {
  const answers: Answer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf(HEAD_END);
    if (end < 0)
      return {
        answers,
        rest,
        flaw: rest.subarray(0, 5).equals(Buffer.from("HTTP/").subarray(0, rest.length)) ? undefined : "what comes is no answer",
      };
    const head = headOf(rest.toString("latin1", 0, end));
    if (typeof head === "string") return { answers, rest, flaw: head };
    const after = rest.subarray(end + HEAD_END.length);
    if (head.status < 200) {
      rest = after;
      continue;
    }
    const body = bodyOf(head, after, isOver, isHead);
    if (typeof body === "string") return { answers, rest, flaw: body };
    answers.push({ ...head, body: body.bytes, isWhole: body.isWhole });
    rest = body.rest;
    if (!body.isWhole) break;
  }
  return { answers, rest, flaw: undefined };
}

type Head = Pick<Answer, "status" | "headers" | "closes">;

function headOf(text: string): Head | string {
  const [first = "", ...lines] = text.split("\r\n");
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) return `a status line that is none: ${JSON.stringify(first.slice(0, 100))}`;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = FIELD.exec(line) ?? [];
    if (name === "") return `a header that is none: ${JSON.stringify(line.slice(0, 100))}`;
    const key = name.toLowerCase();
    if (headers.has(key) && (key === "content-length" || key === "transfer-encoding")) return `${key} appears twice`;
    headers.set(key, value);
  }
  const closes = headers.get("connection")?.toLowerCase() === "close" || first.startsWith("HTTP/1.0");
  return { status: Number(status), headers, closes };
}

interface Body {
  bytes: Buffer;
  rest: Buffer;
  isWhole: boolean;
}

const NOTHING = Buffer.alloc(0);

function bodyOf({ status, headers }: Head, bytes: Buffer, isOver: boolean, isHead: boolean): Body | string {
  const length = headers.get("content-length");
  const encoding = headers.get("transfer-encoding");
  if (length !== undefined && encoding !== undefined) return "an answer with a length and in chunks";
  if (isHead || status === 204 || status === 304) return { bytes: NOTHING, rest: bytes, isWhole: true };
  if (encoding !== undefined) return encoding === "chunked" ? chunksOf(bytes) : `transfer-encoding: ${encoding}`;
  if (length === undefined) return { bytes, rest: NOTHING, isWhole: isOver };
  if (!/^\d+$/.test(length)) return `content-length: ${length}`;
  const count = Number(length);
  return { bytes: bytes.subarray(0, count), rest: bytes.subarray(count), isWhole: bytes.length >= count };
}

function chunksOf(bytes: Buffer): Body | string {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return { bytes: Buffer.concat(parts), rest: NOTHING, isWhole: false };
    const line = bytes.toString("latin1", at, end);
    if (!/^[0-9a-f]+$/i.test(line)) return `a chunk whose size is ${JSON.stringify(line.slice(0, 40))}`;
    const size = Number.parseInt(line, 16);
    const from = end + 2;
    if (bytes.length < from + size + 2) return { bytes: Buffer.concat(parts), rest: NOTHING, isWhole: false };
    if (bytes.toString("latin1", from + size, from + size + 2) !== "\r\n") return "a chunk of another length than it says";
    if (size === 0) return { bytes: Buffer.concat(parts), rest: bytes.subarray(from + 2), isWhole: true };
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
}
