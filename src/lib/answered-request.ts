/** What is told of a request when it is over. */
export interface AnsweredRequest {
  requestId: string;
  method: string;
  /** As it is mounted: `/:owner/:repo/tree`; `none` where nothing answers to the address. */
  route: string;
  status: number;
  /** Until the answer began. How long it went on is up to the client, and to what it waited for. */
  ms: number;
  /** Whether the client left before the answer was complete. */
  isBroken: boolean;
}
