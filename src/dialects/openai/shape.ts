/** Finds a body of one route on the other route: clients are set to the wrong one, and "this member is missing" would not help them. */
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
  text: "is of the Responses API: send this body to …/v1/responses, or set the client to chat completions",
};

export const RESPONSES_SHAPE: Shape = {
  own: "input",
  others: "messages",
  text: "is of chat completions: send this body to …/v1/chat/completions, or set the client to the Responses API",
};

/** @throws GatewayError `invalid_request` that names the other route. */
export function refuseOtherShape(body: ByteText, { own, others, text }: Shape): void {
  // Nearly always this search is enough.
  if (!body.includes(`"${others}"`)) return;
  const keys = members(body).map(({ key }) => key);
  if (keys.includes(others) && !keys.includes(own)) throw refusal("invalid_request", others, text);
}
