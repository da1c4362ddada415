/**
 * Frames as a worker sends them, written out by hand: the gateway's own code only reads them. Anything can be built here,
 * also what docs/protocol.md forbids.
 */
import type { FileOffer, FrameReceiver } from '../../src/wire/decoder.js';
import { FrameDecoder } from '../../src/wire/decoder.js';
import type { ReadyInfo, WorkerFailure } from '../../src/wire/frames.js';

export const TOKEN = '0123456789abcdef'.repeat(4);

export interface RawFrame {
  readonly type: number;
  readonly stream?: number;
  readonly flags?: number;
  readonly reserved?: number;
  readonly payload?: Buffer | string;
  /** What the header says, if not the truth. */
  readonly length?: number;
}

export function rawFrame({
  type,
  stream = 0,
  flags = 0,
  reserved = 0,
  payload = '',
  length,
}: RawFrame): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(12);
  header.writeUInt32LE(length ?? bytes.length, 0);
  header.writeUInt32LE(stream, 4);
  header.writeUInt8(type, 8);
  header.writeUInt8(flags, 9);
  header.writeUInt16LE(reserved, 10);
  return Buffer.concat([header, bytes]);
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
  return bytes;
}

export const authFrame = (channel: string, token = TOKEN): Buffer =>
  rawFrame({ type: 0x10, payload: token + channel });

export function headFrame(stream: number, head: string, body: Buffer | string = '', last = true): Buffer {
  const payload = Buffer.concat([u32(7, head.length), Buffer.from(head, 'latin1'), Buffer.from(body)]);
  return rawFrame({ type: 0x12, stream, flags: last ? 1 : 0, payload });
}

export const dataFrame = (stream: number, body: Buffer | string): Buffer =>
  rawFrame({ type: 0x13, stream, payload: body });

export const endFrame = (stream: number): Buffer => rawFrame({ type: 0x14, stream, payload: u32(7) });

/** One thing a receiver was told; bodies as latin-1 text. */
export type Told =
  | { readonly call: 'ready'; readonly info: ReadyInfo }
  | {
      readonly call: 'answer';
      readonly stream: number;
      readonly head: string;
      readonly body: string;
      readonly serviceUs: number;
    }
  | { readonly call: 'head'; readonly stream: number; readonly head: string }
  | { readonly call: 'data'; readonly stream: number; readonly chunk: string }
  | { readonly call: 'end'; readonly stream: number; readonly serviceUs: number }
  | {
      readonly call: 'error';
      readonly stream: number;
      readonly failure: WorkerFailure;
      readonly serviceUs: number;
    }
  | { readonly call: 'file'; readonly stream: number; readonly offer: FileOffer }
  | { readonly call: 'log'; readonly stream: number; readonly level: number; readonly text: string }
  | { readonly call: 'recalled'; readonly streams: readonly number[] }
  | { readonly call: 'pong'; readonly payload: string };

/** Notes everything it is told. */
export class Recorder implements FrameReceiver {
  readonly told: Told[] = [];

  ready(info: ReadyInfo): void {
    this.told.push({ call: 'ready', info });
  }
  answer(stream: number, head: string, body: Buffer | string, serviceUs: number): void {
    this.told.push({ call: 'answer', stream, head, body: body.toString('latin1'), serviceUs });
  }
  head(stream: number, head: string): void {
    this.told.push({ call: 'head', stream, head });
  }
  data(stream: number, chunk: Buffer): void {
    this.told.push({ call: 'data', stream, chunk: chunk.toString('latin1') });
  }
  end(stream: number, serviceUs: number): void {
    this.told.push({ call: 'end', stream, serviceUs });
  }
  error(stream: number, failure: WorkerFailure, serviceUs: number): void {
    this.told.push({ call: 'error', stream, failure, serviceUs });
  }
  file(stream: number, offer: FileOffer): void {
    this.told.push({ call: 'file', stream, offer });
  }
  log(stream: number, level: number, text: string): void {
    this.told.push({ call: 'log', stream, level, text });
  }
  recalled(streams: readonly number[]): void {
    this.told.push({ call: 'recalled', streams });
  }
  pong(payload: Buffer): void {
    this.told.push({ call: 'pong', payload: payload.toString('hex') });
  }
}

/** A decoder that lets everybody in, and what it tells. */
export function recordingDecoder(): { decoder: FrameDecoder; recorder: Recorder; authenticated: string[] } {
  const recorder = new Recorder();
  const authenticated: string[] = [];
  const decoder = new FrameDecoder((token, channel) => {
    authenticated.push(token + channel);
    return recorder;
  });
  return { decoder, recorder, authenticated };
}

/**
 * What was told, whatever the input was cut into: pieces of a body that follow each other are one, and an answer in one piece
 * is the same as one in several.
 */
export function joined(told: readonly Told[]): Told[] {
  const result: Told[] = [];
  for (const one of told) {
    if (one.call === 'answer') {
      result.push({ call: 'head', stream: one.stream, head: one.head });
      if (one.body !== '') result.push({ call: 'data', stream: one.stream, chunk: one.body });
      result.push({ call: 'end', stream: one.stream, serviceUs: one.serviceUs });
      continue;
    }
    const last = result.at(-1);
    if (one.call === 'data' && last?.call === 'data' && last.stream === one.stream) {
      result[result.length - 1] = { ...last, chunk: last.chunk + one.chunk };
    } else result.push(one);
  }
  return result;
}
