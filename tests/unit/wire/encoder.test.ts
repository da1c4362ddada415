import { describe, expect, test } from 'vitest';
import { LocalProtocolError } from '../../../src/errors.js';
import { FrameEncoder } from '../../../src/wire/encoder.js';
import type { Command, HelloSettings, LauncherSettings, StartLine } from '../../../src/wire/frames.js';
import { validVectors, type VectorFrame } from '../../support/wsgi-vectors.js';

function encode(frame: VectorFrame, encoder = new FrameEncoder()): FrameEncoder {
  const { stream } = frame;
  const bytes = (hex: string | undefined): Buffer => Buffer.from(hex ?? '', 'hex');
  switch (frame.type) {
    case 'HELLO':
      encoder.hello(frame.settings as HelloSettings | LauncherSettings);
      break;
    case 'REQUEST': {
      const body = bytes(frame.bodyHex);
      encoder.request({
        stream,
        environ: frame.environ!.flat().join('\0'),
        body: (frame.flags & 1) === 0 ? body : { path: body.toString() },
        safe: (frame.flags & 2) !== 0,
      });
      break;
    }
    case 'DRAIN':
      encoder.drain();
      break;
    case 'ABORT':
      encoder.abort(stream);
      break;
    case 'CREDIT':
      encoder.credit(stream, frame.credit!);
      break;
    case 'FILE_ACK':
      encoder.fileAck(stream, frame.flags === 1);
      break;
    case 'RECALL':
      encoder.recall(frame.streams!);
      break;
    case 'INTERRUPT':
      encoder.interrupt(stream);
      break;
    case 'PING':
      encoder.ping(bytes(frame.payloadHex));
      break;
    case 'FORK': {
      const { id, start } = frame as VectorFrame & { id: number; start: StartLine };
      encoder.fork(id, start);
      break;
    }
    case 'SIGNAL': {
      const { pid, signal } = frame as VectorFrame & { pid: number; signal: number };
      encoder.signal(pid, signal);
      break;
    }
    case 'RUN':
      encoder.run({
        stream,
        command: frame.command as Command,
        environ: frame.environ!.flat().join('\0'),
        body: bytes(frame.bodyHex),
        more: frame.flags === 1,
      });
      break;
    case 'BODY':
      encoder.body(stream, bytes(frame.bodyHex));
      break;
    case 'BODY_END':
      encoder.bodyEnd(stream);
      break;
    case 'RELOAD':
      encoder.reload();
      break;
    default:
      throw new Error(`the gateway sends no ${frame.type}`);
  }
  return encoder;
}

function flushed(encoder: FrameEncoder): Buffer {
  let result = Buffer.alloc(0);
  encoder.flush((bytes) => {
    result = Buffer.from(bytes);
    return true;
  });
  return result;
}

describe('FrameEncoder', () => {
  test.each(validVectors('to-worker'))('encodes the vector $name', ({ frame, hex }) => {
    expect(flushed(encode(frame)).toString('hex')).toBe(hex);
  });

  test('collects frames in order into one write', () => {
    const vectors = validVectors('to-worker');
    const encoder = new FrameEncoder();
    for (const { frame } of vectors) encode(frame, encoder);
    const hex = vectors.map((vector) => vector.hex).join('');
    expect(encoder.length).toBe(hex.length / 2);
    expect(flushed(encoder).toString('hex')).toBe(hex);
    expect(encoder.length).toBe(0);
  });

  test('writes nothing when nothing was collected', () => {
    new FrameEncoder().flush(() => expect.unreachable());
  });

  test('grows for many large requests and keeps their bytes', () => {
    const encoder = new FrameEncoder();
    const bodies = Array.from({ length: 20 }, (_, i) => Buffer.alloc(60_000, i));
    for (const [i, body] of bodies.entries())
      encoder.request({ stream: i + 1, environ: 'A\0B', body, safe: false });
    const bytes = flushed(encoder);
    expect(bytes.length).toBe(20 * (12 + 4 + 3 + 60_000));
    for (const [i, body] of bodies.entries()) {
      const at = i * (12 + 4 + 3 + 60_000);
      expect(bytes.readUInt32LE(at + 4)).toBe(i + 1);
      expect(bytes.subarray(at + 19, at + 60_019).equals(body)).toBe(true);
    }
  });

  test('leaves bytes alone that are still being sent', () => {
    const encoder = new FrameEncoder();
    let first = Buffer.alloc(0);
    encoder.abort(1);
    encoder.flush((bytes) => {
      first = bytes as Buffer<ArrayBuffer>;
      return false;
    });
    encoder.abort(2);
    expect(first.readUInt32LE(4)).toBe(1);
    expect(flushed(encoder).readUInt32LE(4)).toBe(2);
    expect(first.readUInt32LE(4)).toBe(1);
  });

  test('uses memory again that it is given back, when that is large enough', () => {
    const encoder = new FrameEncoder();
    const sent: Buffer[] = [];
    const send = (bytes: Buffer): boolean => sent.push(bytes) === 0;
    for (const length of [100_000, 10, 100_000, 10, 100_000]) {
      encoder.body(1, Buffer.alloc(length, 'x'));
      encoder.flush(send);
      if (sent.length === 2) for (const bytes of sent) encoder.reuse(bytes);
    }
    const [large, small, again, other, another] = sent.map(({ buffer }) => buffer);
    expect([again === large, other === small]).toEqual([true, true]);
    expect([large, small]).not.toContain(another);
  });

  test('joins pieces of one body that follow one another', () => {
    const encoder = new FrameEncoder();
    encoder.body(1, Buffer.from('a'));
    encoder.body(1, Buffer.from('b'));
    encoder.body(2, Buffer.from('c'));
    encoder.body(1, Buffer.from('d'));
    encoder.bodyEnd(1);
    encoder.body(1, Buffer.from('e'));
    const frame = (payload: string, stream: string, type = '0d'): string =>
      `0${payload.length / 2}000000${stream}000000${type}000000${payload}`;
    expect(flushed(encoder).toString('hex')).toBe(
      frame('6162', '01') + frame('63', '02') + frame('64', '01') + frame('', '01', '0e') + frame('65', '01'),
    );
    // What has left is not made longer, even if as much has been collected again.
    encoder.body(1, Buffer.alloc(12));
    flushed(encoder);
    encoder.abort(3);
    encoder.abort(4);
    encoder.body(1, Buffer.from('f'));
    expect(flushed(encoder).toString('hex')).toBe(
      frame('', '03', '04') + frame('', '04', '04') + frame('66', '01'),
    );
  });

  test('joins them up to the largest frame', () => {
    const encoder = new FrameEncoder();
    for (let i = 0; i < 17; i++) encoder.body(1, Buffer.alloc(65_536, i));
    const bytes = flushed(encoder);
    expect(bytes.readUInt32LE(0)).toBe(1_048_576);
    expect(bytes.readUInt32LE(12 + 1_048_576)).toBe(65_536);
    expect(bytes.at(-1)).toBe(16);
  });

  test('takes a request of exactly 1 MiB', () => {
    const encoder = new FrameEncoder();
    encoder.request({ stream: 1, environ: 'A\0B', body: Buffer.alloc(1_048_576 - 7), safe: false });
    expect(flushed(encoder).readUInt32LE(0)).toBe(1_048_576);
  });

  test('refuses a larger one and stays usable', () => {
    const encoder = new FrameEncoder();
    encoder.abort(1);
    const request = { stream: 2, environ: 'A\0B', body: Buffer.alloc(1_048_576 - 6), safe: false };
    expect(() => encoder.request(request)).toThrow(LocalProtocolError);
    encoder.abort(3);
    expect(flushed(encoder).toString('hex')).toBe('000000000100000004000000' + '000000000300000004000000');
  });

  test('takes a run of exactly 1 MiB, refuses a larger one and stays usable', () => {
    const encoder = new FrameEncoder();
    const command: Command = { path: '/a', argv: ['/a'], cwd: '/', warm: null };
    const room = 1_048_576 - 8 - JSON.stringify(command).length - 3;
    const run = { stream: 1, command, environ: 'A\0B', more: false };
    expect(() => encoder.run({ ...run, body: Buffer.alloc(room + 1) })).toThrow(
      expect.objectContaining({ code: 'XGI_WIRE_REQUEST_SIZE' }),
    );
    expect(encoder.length).toBe(0);
    encoder.run({ ...run, body: Buffer.alloc(room) });
    expect(flushed(encoder).readUInt32LE(0)).toBe(1_048_576);
  });

  test('writes characters of an environ as latin-1', () => {
    const encoder = new FrameEncoder();
    encoder.request({ stream: 1, environ: 'PATH_INFO\0/caf\u00e9\u00ff', body: null, safe: true });
    expect(flushed(encoder).subarray(16).toString('latin1')).toBe('PATH_INFO\0/caf\u00e9\u00ff');
  });
});
