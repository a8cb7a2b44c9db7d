/** What is wrong with a request that cannot be served: a status, and one sentence for the client. */
export interface Flaw {
  readonly status: number;
  readonly message: string;
}
