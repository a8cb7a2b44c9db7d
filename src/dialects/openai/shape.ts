/** Finds a body that was sent to the wrong one of two routes: its client is set to that route, and "this member is missing" would not help. */
import type { ByteText } from "../../contract/bytes.ts";
import { members } from "../../contract/json.ts";
import { refusal } from "../body.ts";

interface Shape {
  /** A member that every body of the route has. */
  own: string;
  /** The member that bodies of the other route have instead. */
  others: string;
  text: string;
}

export const CHAT_SHAPE: Shape = {
  own: "messages",
  others: "input",
  text: "belongs to the Responses API: send this body to …/v1/responses, or set the client to chat completions",
};

export const RESPONSES_SHAPE: Shape = {
  own: "input",
  others: "messages",
  text: "belongs to chat completions: send this body to …/v1/chat/completions, or set the client to the Responses API",
};

/** @throws GatewayError `invalid_request` that names the other route. */
export function refuseOtherShape(body: ByteText, { own, others, text }: Shape): void {
  // Nearly always this search is enough.
  if (!body.includes(`"${others}"`)) return;
  const keys = members(body).map(({ key }) => key);
  if (keys.includes(others) && !keys.includes(own)) throw refusal("invalid_request", others, text);
}
