/**
 * A response body in a content coding, made while it is sent. What the source gives comes out at the latest when the encoder has caught up
 * with it, so that nothing waits for more: an event stream stays one.
 *
 * A chunk of the source is its own again when the encoder has taken it in, which it does while the client takes what comes out.
 */
import type { BodySink, BodySource } from '../../types.js';
import type { Coding, Encoder } from './codings.js';

/** Bytes that may be on their way to the client while the encoder goes on. */
const MAX_UNTAKEN_BYTES = 65_536;

export class CodedSource implements BodySource {
  readonly #source: BodySource;
  readonly #coding: Coding;
  #encoder: Encoder | undefined;
  #untaken = 0;
  #over = false;

  constructor(source: BodySource, coding: Coding) {
    this.#source = source;
    this.#coding = coding;
  }

  start(sink: BodySink): void {
    const encoder = this.#coding.createEncoder();
    this.#encoder = encoder;
    encoder.on('data', (chunk: Buffer) => {
      if (this.#over) return;
      this.#untaken += chunk.length;
      if (this.#untaken >= MAX_UNTAKEN_BYTES) encoder.pause();
      sink.data(chunk);
    });
    encoder.on('end', () => {
      if (this.#over) return;
      this.#over = true;
      sink.end();
    });
    const fail = (error: Error): void => {
      if (this.#over) return;
      this.#over = true;
      encoder.destroy();
      sink.error(error);
    };
    encoder.on('error', (error) => {
      const wasOver = this.#over;
      fail(error);
      if (!wasOver) this.#source.cancel();
    });
    this.#source.start({
      data: (chunk) => this.#encode(chunk, encoder),
      end: () => encoder.end(),
      error: fail,
    });
  }

  taken(bytes: number): void {
    this.#untaken -= bytes;
    if (this.#untaken < MAX_UNTAKEN_BYTES && !this.#over) this.#encoder?.resume();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#encoder?.destroy();
    this.#source.cancel();
  }

  #encode(chunk: Buffer, encoder: Encoder): void {
    encoder.write(chunk, () => {
      this.#source.taken(chunk.length);
      if (!this.#over && encoder.writableLength === 0 && !encoder.writableEnded)
        encoder.flush(this.#coding.flushKind);
    });
  }
}
