/** Where another server's verdict is not ours, and why. The verdicts of these cases must differ: an exception that is not needed is itself a mistake. */
export interface Exceptions {
  because: string;
  /** Names of cases. */
  cases: readonly string[];
}

export const NODE: readonly Exceptions[] = [
  {
    because: "it knows a list of methods, and ours is any token: the route says which it takes",
    cases: ["a method that does not exist"],
  },
  {
    because:
      "it hands the connection over at an upgrade that its program does not serve, and leaves it open; RFC 9110 §7.8 lets a server go on without the upgrade",
    cases: ["an upgrade is not taken up", "a WebSocket is not taken up"],
  },
  { because: "it reads a trailer's Content-Length as the message's own; ours looks at a trailer's form alone", cases: ["a trailer"] },
  {
    because: "RFC 9112 §6.1 asks for 501 where a coding is not known; it hands the coded body on as if it were none",
    cases: ["an encoding before chunks"],
  },
  {
    because: "RFC 9112 §6.1: framing by chunks is not known to HTTP/1.0, and such a message is to be treated as faulty",
    cases: ["an encoding of HTTP/1.0"],
  },
  {
    because: "it bounds the extensions of one chunk, as 413; ours those of a whole body, as 400",
    cases: ["an extension beyond all measure", "extensions beyond all measure"],
  },
  {
    because: "it drops what is beyond its limit of headers, of which some may have mattered; ours refuses",
    cases: ["a trailer of many lines", "a header more than there may be"],
  },
  {
    because: "its limit of a head is one for all of it, and it has the same for trailers",
    cases: ["a trailer beyond all measure", "an address that is too long", "an address without an end"],
  },
  {
    because: "ours takes host and scheme off; it leaves that to its user",
    cases: ["an address as a proxy gets it", "an address as a proxy gets it, without a path"],
  },
  {
    because: "it leaves to its user what an address may be",
    cases: [
      "two blanks before an address",
      "a fragment",
      "a question to the server as a whole",
      "another scheme",
      "an address without a host",
      "a host that differs from the address",
    ],
  },
  { because: "it closes without an answer where no tunnel is served", cases: ["a tunnel"] },
  { because: "it says 400 to a version that ours calls by its name", cases: ["a version that does not exist", "HTTP/2"] },
  {
    because:
      "it takes the first of several hosts, and any text for one; the admin listener's guard against foreign pages needs one that is sure",
    cases: ["two hosts", "the same host twice", "an empty host", "a list of hosts", "a host with a path", "a host with a user"],
  },
  {
    because: "it says 400 to a request behind one that closes, in place of the answer that was not given yet; ours answers and closes",
    cases: ["a client that closes", "a client that closes, among other words", "a client that closes, in a second line", "HTTP/1.0"],
  },
];
