/** What is given to the workers, and who gets the answer. */
import type { ChunkLease, FileOffer } from '../wire/decoder.js';
import type { WorkerFailure } from '../wire/frames.js';
import type { GatewayError } from '../errors.js';
import type { JobPlace } from './job-queue.js';

/** Lets a job talk back to the worker that runs it. */
export interface JobStream {
  /** So many bytes of the answer have left for the client. */
  taken(bytes: number): void;
  /** The answer to a FILE. */
  fileAck(taken: boolean): void;
}

/**
 * One request on its way through the workers. After it has been submitted exactly one of these happens: `answer`; `head` and then
 * what follows it up to `end` or `fail`; or `fail`. Nothing is called after `end`, `answer` or `fail`.
 */
export interface Job {
  /** Where the job waits for a worker; undefined when it does not. Only the queue changes it. */
  place: JobPlace | undefined;
  readonly id: string;
  /** The environ delta, latin-1 (docs/protocol.md). */
  readonly environ: string;
  /** The whole body, or the path of the private file that holds it. */
  readonly body: Buffer | { readonly path: string } | null;
  /** The method is safe: it may be sent again if its answer was lost with a worker (RFC 9110 section 9.2.2). */
  readonly safe: boolean;
  /** `performance.now()` when the request was complete: it waits for a worker since. */
  readonly arrivedAtMs: number;

  /** The whole answer at once; `head` as in docs/protocol.md. The body is lent unless its lease is held. */
  answer(head: string, body: Buffer | string, lease: ChunkLease): void;
  head(head: string, stream: JobStream): void;
  /** The chunk is lent unless its lease is held. */
  data(chunk: Buffer, lease: ChunkLease): void;
  file(offer: FileOffer): void;
  end(): void;
  /** No answer, or no end of it. `failure` is what the application raised. */
  fail(error: GatewayError, failure?: WorkerFailure): void;
}
