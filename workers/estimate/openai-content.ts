/** The parts of a message's content, in chat completions and in responses. */

import { isObject } from "../../src/contract/objects.ts";
import { documentTokens, pictureSize, pictureTokens, REMOTE_DOCUMENT_TOKENS, soundTokens } from "./pictures.ts";
import {
  type Json,
  type JsonObject,
  type Members,
  type Tally,
  textOf,
  type Weigh,
  weighEncoded,
  weighMark,
  weighNothing,
  weighText,
} from "./walk.ts";

/** The base64 of a `data:` URL, or undefined for any other URL. */
function inlineData(url: string): string | undefined {
  if (!url.startsWith("data:")) return undefined;
  const comma = url.slice(0, 256).indexOf(",");
  return comma < 0 ? undefined : url.slice(comma + 1);
}

const addPicture = (tally: Tally, url: Json | undefined, detail: Json | undefined): void => {
  const data = inlineData(textOf(url));
  tally.other += pictureTokens(tally.profile.picture, data === undefined ? undefined : pictureSize(data), detail === "low");
  // A real address is short; anything else in its place is text.
  if (data === undefined && url !== undefined) tally.addMark(url);
};

const PICTURE: Members = new Map([["url", weighNothing]]);
const SOUND: Members = new Map([
  ["data", weighEncoded],
  ["format", weighMark],
]);
const FILE: Members = new Map([
  ["file_data", weighEncoded],
  ["file_url", weighMark],
  ["filename", weighMark],
]);

const addFile = (tally: Tally, file: JsonObject): void => {
  const data = file.file_data;
  tally.other += typeof data === "string" && data !== "" ? documentTokens(data.length) : REMOTE_DOCUMENT_TOKENS;
};

/** Parts by type. */
const TEXT_PART: Members = new Map([["text", weighText]]);
const PARTS: ReadonlyMap<string, Members> = new Map<string, Members>([
  ["text", TEXT_PART],
  ["input_text", TEXT_PART],
  ["output_text", TEXT_PART],
  ["summary_text", TEXT_PART],
  ["reasoning_text", TEXT_PART],
  ["refusal", new Map([["refusal", weighText]])],
  ["image_url", new Map<string, Weigh>([["image_url", asPicture]])],
  ["input_audio", new Map<string, Weigh>([["input_audio", asSound]])],
  ["file", new Map<string, Weigh>([["file", asFile]])],
  ["input_file", FILE],
]);
const UNKNOWN_PART: Members = new Map();

/** `{image_url: {url, detail}}`, or the address alone. */
function asPicture(tally: Tally, image: Json): void {
  if (!isObject(image)) addPicture(tally, image, undefined);
  else {
    addPicture(tally, image.url, image.detail);
    tally.addMembers(image, PICTURE);
  }
}

function asSound(tally: Tally, sound: Json): void {
  if (!isObject(sound) || typeof sound.data !== "string") tally.addText(sound);
  else {
    tally.other += soundTokens(sound.data.length, textOf(sound.format));
    tally.addMembers(sound, SOUND);
  }
}

function asFile(tally: Tally, file: Json): void {
  if (!isObject(file)) tally.addText(file);
  else {
    addFile(tally, file);
    tally.addMembers(file, FILE);
  }
}

/** `{image_url: "…", detail}`, as responses write it. */
const INPUT_IMAGE: Members = new Map([["image_url", weighNothing]]);

export const addContent: Weigh = (tally, content) => {
  if (!Array.isArray(content)) {
    tally.addText(content);
    return;
  }
  for (const part of content) {
    if (!isObject(part)) tally.addText(part);
    else if (part.type === "input_image" && isObject(part.image_url)) tally.addMembers(part, PARTS.get("image_url") as Members);
    else if (part.type === "input_image") {
      addPicture(tally, part.image_url, part.detail);
      tally.addMembers(part, INPUT_IMAGE);
    } else {
      if (part.type === "input_file") addFile(tally, part);
      tally.addMembers(part, PARTS.get(textOf(part.type)) ?? UNKNOWN_PART);
    }
  }
};
