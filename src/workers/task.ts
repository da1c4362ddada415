/**
 * One request in a worker's hand: how far its answer has come, what may come next, and how many bytes of its body may be on
 * their way. A worker is not trusted: what comes out of order, or beyond the credit, is a FrameError. Sends nothing itself.
 */
import { FrameError } from '../errors.js';
import type { Job } from './job.js';

/** Credit is given back in pieces of at least a quarter of the window. */
const CREDIT_PIECES = 4;

export class Task {
  /** null once its answer is not wanted any more. */
  job: Job | null;
  /** Whose request it is, whoever still wants the answer: for the log. */
  readonly origin: Job;
  readonly stream: number;
  /** The answer has begun: the request is running, and can go to no other worker. */
  headSeen = false;
  /** When the request was first seen to be running without progress; undefined while it waits, or while the client is to take something. */
  runningSinceMs: number | undefined = undefined;
  interruptedAtMs: number | undefined = undefined;
  /** A FILE waits for its FILE_ACK, or was taken: then only the end may follow. */
  #file: 'none' | 'offered' | 'taken' = 'none';
  readonly #windowBytes: number;
  /** The body bytes the worker may still send. */
  #creditBytes: number;
  /** Bytes the client has taken and the worker has not been told of. */
  #ungrantedBytes = 0;

  /** @param windowBytes the body bytes that may be on their way to the client: the credit of HELLO */
  constructor(job: Job, stream: number, windowBytes: number) {
    this.job = job;
    this.origin = job;
    this.stream = stream;
    this.#windowBytes = windowBytes;
    this.#creditBytes = windowBytes;
  }

  /** Whether the worker waits for the client to take something: how long that may last is the connection's deadline. */
  get waitsForClient(): boolean {
    return this.headSeen && this.#creditBytes < this.#windowBytes / CREDIT_PIECES;
  }

  /** @throws FrameError if a whole answer may not come now */
  answered(bodyBytes: number): void {
    this.#checkFirst();
    if (bodyBytes > this.#creditBytes)
      throw new FrameError(`HEAD: ${bodyBytes} bytes of body, beyond the credit`);
  }

  /** @throws FrameError if the head of an answer may not come now */
  begun(): void {
    this.#checkFirst();
    this.headSeen = true;
  }

  /** @throws FrameError if so many bytes of body may not come now */
  received(bytes: number): void {
    this.#checkNext('DATA');
    if (this.#file === 'taken') throw new FrameError(`DATA: after a file was taken on stream ${this.stream}`);
    if (bytes > this.#creditBytes) throw new FrameError(`DATA: ${bytes} bytes, beyond the credit`);
    this.#creditBytes -= bytes;
  }

  /** @throws FrameError if a file may not be offered now */
  offered(): void {
    this.#checkNext('FILE');
    if (this.#file === 'taken') throw new FrameError(`FILE: after a file was taken on stream ${this.stream}`);
    this.#file = 'offered';
  }

  /** The worker is told whether its file was taken. */
  acknowledged(taken: boolean): void {
    this.#file = taken ? 'taken' : 'none';
  }

  /** @throws FrameError if the answer may not end now */
  ended(): void {
    this.#checkNext('END');
  }

  /**
   * The client has taken so many bytes more.
   *
   * @returns the credit that the worker is to be granted now; 0 if it is too little to be worth a frame
   */
  taken(bytes: number): number {
    const granted = this.#ungrantedBytes + bytes;
    if (granted < this.#windowBytes / CREDIT_PIECES) {
      this.#ungrantedBytes = granted;
      return 0;
    }
    this.#ungrantedBytes = 0;
    this.#creditBytes += granted;
    return granted;
  }

  #checkFirst(): void {
    if (this.headSeen) throw new FrameError(`HEAD: a second one on stream ${this.stream}`);
  }

  /** That the answer has begun and may go on now. */
  #checkNext(frame: string): void {
    if (!this.headSeen) throw new FrameError(`${frame}: before HEAD on stream ${this.stream}`);
    if (this.#file === 'offered') throw new FrameError(`${frame}: before FILE_ACK on stream ${this.stream}`);
  }
}
