/**
 * A body that is kept while it is sent. The client's pace is the source's, until somebody else waits for the body: then it comes at full speed
 * for as long as it is short enough to be kept. A client that leaves takes the body with it, unless somebody waits.
 */
import { CollectedBytes } from '../../bodies/collected-bytes.js';
import type { BodySink, BodySource } from '../../types.js';

export interface Recording {
  readonly source: BodySource;
  /** Content-Length, or -1. */
  readonly length: number;
  readonly maxBytes: number;
  /** How long it may go on without a client. */
  readonly maxDetachedMs: number;
  /** Asked when the client has gone. */
  readonly isAwaited: () => boolean;
  /** Called once: with all of it; or undefined if it is too long, not complete, or not wanted. */
  readonly done: (bytes: Buffer | undefined) => void;
}

export class RecordedSource implements BodySource {
  readonly #recording: Recording;
  #sink: BodySink | undefined;
  #collected: CollectedBytes | undefined;
  #isStarted = false;
  #isOver = false;
  /** The lengths of the chunks that the source has not been told to be taken; the oldest comes first. */
  readonly #untold: number[] = [];
  /** How many chunks the client has yet to take, of which the source has been told already. Their memory is not the source's. */
  #ahead = 0;
  #isHurried = false;
  #isTelling = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(recording: Recording) {
    this.#recording = recording;
    const { length, maxBytes } = recording;
    this.#collected = new CollectedBytes(length, maxBytes);
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#start();
  }

  taken(bytes: number): void {
    if (this.#sink === undefined) return;
    if (this.#ahead > 0) {
      this.#ahead -= 1;
      return;
    }
    this.#untold.shift();
    this.#recording.source.taken(bytes);
  }

  /** Somebody waits for it. */
  hurry(): void {
    if (this.#isOver || this.#collected === undefined) return;
    this.#isHurried = true;
    this.#goAhead();
  }

  cancel(): void {
    if (this.#isOver) return;
    if (this.#collected !== undefined && this.#recording.isAwaited()) {
      this.detach();
      return;
    }
    this.#giveUp();
  }

  /** Nobody is sent it: it is kept only. */
  detach(): void {
    if (this.#isOver) return;
    this.#sink = undefined;
    this.#deadline = setTimeout(() => {
      if (!this.#isOver) this.#giveUp();
    }, this.#recording.maxDetachedMs).unref();
    this.#goAhead();
    this.#start();
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#recording.source.cancel();
    this.#settle(undefined);
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const failed = (error: Error): void => {
      this.#isOver = true;
      this.#settle(undefined);
      this.#sink?.error(error);
    };
    try {
      this.#recording.source.start({
        data: (chunk) => this.#data(chunk),
        end: () => this.#end(),
        error: failed,
      });
    } catch (error) {
      // Who waits for it would wait in vain.
      failed(error as Error);
    }
  }

  #data(chunk: Buffer): void {
    if (this.#isOver) return;
    let sent = chunk;
    if (this.#collected?.hasRoomFor(chunk.length) === true) sent = this.#collected.add(chunk);
    else this.#settle(undefined);
    if (this.#sink !== undefined) {
      this.#untold.push(chunk.length);
      this.#sink.data(sent);
      if (this.#isHurried) this.#goAhead();
    } else if (this.#collected === undefined) {
      this.#isOver = true;
      this.#recording.source.taken(chunk.length);
      this.#recording.source.cancel();
    } else this.#recording.source.taken(chunk.length);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { length } = this.#recording;
    const bytes = this.#collected?.bytes;
    this.#settle(length === -1 || bytes?.length === length ? bytes : undefined);
    this.#sink?.end();
  }

  /** Without the client. */
  #goAhead(): void {
    // A source may give the next chunk in this call.
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let length = this.#untold.shift(); length !== undefined; length = this.#untold.shift()) {
      this.#ahead += 1;
      this.#recording.source.taken(length);
    }
    this.#isTelling = false;
  }

  #settle(bytes: Buffer | undefined): void {
    clearTimeout(this.#deadline);
    if (this.#collected === undefined) return;
    this.#collected = undefined;
    this.#isHurried = false;
    // Its memory may be twice as long.
    this.#recording.done(bytes === undefined ? undefined : Buffer.from(bytes));
  }
}
