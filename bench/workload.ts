/** What is measured, whoever serves it: what is asked of it, and exactly what has to come back. */

export interface ExpectedAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Absent where the text is the framework's own. */
  readonly body?: Buffer;
  /** True if the program gives a Content-Length, so that no server has a reason to leave it out. */
  readonly hasLength: boolean;
  /** The content coding that it has to have; none by default. `body` is without it. */
  readonly coding?: 'gzip';
}

export interface Exchange {
  readonly request: Buffer;
  readonly answer: ExpectedAnswer;
}

export interface Workload {
  /** For the command line and the tables. */
  readonly name: string;
  readonly title: string;
  /** Every kind of answer that it gives; the first is the one under load. */
  readonly exchanges: readonly [Exchange, ...Exchange[]];
  /** What wrk sends. */
  readonly load: {
    readonly path: string;
    readonly postBytes: number;
    readonly answerBytes: number;
    /** `Name: value`, each. */
    readonly fields?: readonly string[];
  };
}
