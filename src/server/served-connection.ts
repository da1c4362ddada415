/** What the server knows of a connection, whatever is spoken on it. */
export interface ServedConnection {
  /** Ends what is over its deadline. Called a few times a second. */
  check(nowMs: number): void;
  /** Whether a request is under way. */
  readonly isBusy: boolean;
  /** Answers requests that will not be finished, if nothing has been sent yet. */
  cutOff(): void;
  destroy(): void;
}
