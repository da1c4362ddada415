/**
 * A request body that its program reads while it arrives. What fits into memory is collected, as every body is (body-spool.ts); of a
 * larger one only the beginning, and then whoever takes it decides how fast the client is read.
 *
 *     collecting ─ end ─▶ (a whole body)
 *          └─ too large ─▶ waiting ─ flowTo ─▶ flowing ─ end ─▶ over
 *                             └───── drop ──────┴────────────────▲
 */
import type { BodyConsumer, RequestBody } from '../../types.js';
import type { SpooledBody } from '../body-spool.js';
import { CollectedBytes } from '../../bodies/collected-bytes.js';

/** Who takes what follows the beginning. */
export interface BodyTaker {
  /** The chunk is lent for the call. @returns whether more is wanted at once; else {@link BodyStream.resume} says when */
  bodyChunk(chunk: Buffer): boolean;
  /** It is complete. */
  bodyEnded(): void;
  /** It never will be. */
  bodyFailed(error: Error): void;
}

/**
 * Calls back once: with a whole body of at most `maxMemoryBytes`, with a larger one that has begun, or with what went wrong before; in the same turn
 * if the body is at hand.
 */
export function streamBody(
  body: RequestBody,
  maxMemoryBytes: number,
  done: (error: Error | null, body: SpooledBody | BodyStream | null) => void,
): void {
  body.consume(new BodyStream(body, maxMemoryBytes, done));
}

const EMPTY = Buffer.alloc(0);

export class BodyStream implements BodyConsumer {
  readonly #body: RequestBody;
  readonly #done: Parameters<typeof streamBody>[2];
  readonly #memory: CollectedBytes;
  #state: 'collecting' | 'waiting' | 'flowing' | 'over' = 'collecting';
  #beginning: Buffer = EMPTY;
  /** What came between the beginning and `flowTo`. */
  #early: Buffer[] = [];
  /** How it has ended before `flowTo`. */
  #ending: ((taker: BodyTaker) => void) | undefined;
  #taker: BodyTaker | undefined;
  #paused = false;

  constructor(body: RequestBody, maxMemoryBytes: number, done: Parameters<typeof streamBody>[2]) {
    this.#body = body;
    this.#done = done;
    this.#memory = new CollectedBytes(body.length, maxMemoryBytes);
  }

  /** Content-Length, or -1 for a chunked body: how long that will be, nobody knows. */
  get length(): number {
    return this.#body.length;
  }

  /** What had come when it was too large to be kept. */
  get beginning(): Buffer {
    return this.#beginning;
  }

  /** It has come to its end, or nobody wants the rest. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Its taker waits for the client. */
  get isAwaited(): boolean {
    return this.#state === 'flowing' && !this.#paused;
  }

  // --- from its taker ---

  /** What follows the beginning goes to this taker, from now on. */
  flowTo(taker: BodyTaker): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'flowing';
    this.#taker = taker;
    for (const chunk of this.#early.splice(0)) this.#pass(chunk);
    if (this.#ending !== undefined) this.#end(this.#ending);
    else if (!this.#paused) this.#body.resume();
  }

  /** The taker wants more. */
  resume(): void {
    if (this.#state !== 'flowing') return;
    this.#paused = false;
    this.#body.resume();
  }

  /** The rest is read, and dropped. */
  drop(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#early = [];
    this.#body.resume();
  }

  // --- from the client ---

  data(chunk: Buffer): void {
    switch (this.#state) {
      case 'collecting':
        if (this.#memory.hasRoomFor(chunk.length)) this.#memory.add(chunk);
        else this.#begin(chunk);
        return;
      case 'waiting':
        this.#early.push(Buffer.from(chunk));
        return;
      case 'flowing':
        this.#pass(chunk);
        return;
      case 'over':
    }
  }

  end(): void {
    if (this.#state === 'collecting') this.#done(null, { bytes: this.#memory.bytes });
    else this.#end((taker) => taker.bodyEnded());
  }

  error(error: Error): void {
    if (this.#state === 'collecting') this.#done(error, null);
    else this.#end((taker) => taker.bodyFailed(error));
  }

  #end(tell: (taker: BodyTaker) => void): void {
    if (this.#state === 'waiting') this.#ending = tell;
    if (this.#state !== 'flowing') return;
    this.#state = 'over';
    tell(this.#taker!);
  }

  #begin(chunk: Buffer): void {
    this.#state = 'waiting';
    this.#beginning = Buffer.concat([this.#memory.bytes, chunk]);
    this.#body.pause();
    this.#done(null, this);
  }

  #pass(chunk: Buffer): void {
    if (this.#taker!.bodyChunk(chunk)) return;
    this.#paused = true;
    this.#body.pause();
  }
}
