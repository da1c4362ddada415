/**
 * A body that is kept while it is sent. The client's pace is the source's; a client that leaves takes the body with it, unless somebody else
 * waits for it, who then gets it at full speed.
 */
import { CollectedBytes } from '../../bodies/collected-bytes.js';
import type { BodySink, BodySource } from '../../types.js';

export interface Recording {
  readonly source: BodySource;
  /** Content-Length, or -1. */
  readonly length: number;
  readonly maxBytes: number;
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
  /** The client's share of what `taken` is told of. */
  #unsent = 0;

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
    this.#unsent -= bytes;
    this.#recording.source.taken(bytes);
  }

  cancel(): void {
    if (this.#isOver) return;
    if (this.#collected !== undefined && this.#recording.isAwaited()) {
      this.detach();
      return;
    }
    this.#isOver = true;
    this.#recording.source.cancel();
    this.#settle(undefined);
  }

  /** Nobody is sent it: it is kept only. */
  detach(): void {
    if (this.#isOver) return;
    this.#sink = undefined;
    const unsent = this.#unsent;
    this.#unsent = 0;
    if (unsent > 0) this.#recording.source.taken(unsent);
    this.#start();
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#recording.source.start({
      data: (chunk) => this.#data(chunk),
      end: () => this.#end(),
      error: (error) => {
        this.#isOver = true;
        this.#settle(undefined);
        this.#sink?.error(error);
      },
    });
  }

  #data(chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#collected?.hasRoomFor(chunk.length) === true) this.#collected.add(chunk);
    else this.#settle(undefined);
    if (this.#sink !== undefined) {
      this.#unsent += chunk.length;
      this.#sink.data(chunk);
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

  #settle(bytes: Buffer | undefined): void {
    if (this.#collected === undefined) return;
    this.#collected = undefined;
    // Its memory may be twice as long.
    this.#recording.done(bytes === undefined ? undefined : Buffer.from(bytes));
  }
}
