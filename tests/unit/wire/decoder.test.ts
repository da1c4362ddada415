import { describe, expect, test } from 'vitest';
import { FrameError } from '../../../src/errors.js';
import { FrameDecoder } from '../../../src/wire/decoder.js';
import {
  authFrame,
  dataFrame,
  endFrame,
  headFrame,
  rawFrame,
  Recorder,
  TOKEN,
  u32,
} from '../../support/wsgi-frames.js';
import {
  corruptVectors,
  validVectors,
  type ValidVector,
  type VectorFrame,
} from '../../support/wsgi-vectors.js';
import { joined, launcherDecoder, recordingDecoder, type Told } from './recorder.js';

interface ProcessFields {
  readonly files?: readonly string[];
  readonly id?: number;
  readonly pid?: number;
  readonly error?: string;
  readonly code?: number | null;
  readonly signal?: number | null;
  readonly stderrDropped?: number;
}

/** What the receiver is to be told for a frame. */
function expected(frame: VectorFrame & ProcessFields): Told[] {
  const { stream } = frame;
  const latin1 = (hex: string | undefined): string => Buffer.from(hex ?? '', 'hex').toString('latin1');
  const serviceUs = frame.serviceTime ?? 0;
  switch (frame.type) {
    case 'READY':
      return [{ call: 'ready', info: frame.info as never }];
    case 'HEAD': {
      const body = latin1(frame.bodyHex);
      const told: Told[] = [
        { call: 'head', stream, head: [frame.status, ...frame.headers!.flat()].join('\0') },
      ];
      if (body !== '') told.push({ call: 'data', stream, chunk: body });
      if (frame.flags === 1) told.push({ call: 'end', stream, serviceUs });
      return told;
    }
    case 'DATA':
      return [{ call: 'data', stream, chunk: latin1(frame.bodyHex) }];
    case 'END':
      return [{ call: 'end', stream, serviceUs }];
    case 'ERROR':
      return [
        {
          call: 'error',
          stream,
          serviceUs,
          failure: { hint: undefined, ...(frame.failure as object) } as never,
        },
      ];
    case 'FILE':
      return [
        {
          call: 'file',
          stream,
          offer: {
            offset: frame.offset!,
            length: frame.length!,
            device: BigInt(frame.device!),
            inode: BigInt(frame.inode!),
            size: BigInt(frame.size!),
            mtimeNs: BigInt(frame.mtimeNs!),
            path: frame.path!,
          },
        },
      ];
    case 'LOG':
      return [{ call: 'log', stream, level: frame.flags, text: frame.text! }];
    case 'RECALLED':
      return [{ call: 'recalled', streams: frame.streams! }];
    case 'PONG':
      return [{ call: 'pong', payload: frame.payloadHex! }];
    case 'FILES':
      return [{ call: 'files', paths: frame.files! }];
    case 'FORKED':
      return [{ call: 'forked', id: frame.id!, pid: frame.pid ?? null, error: frame.error ?? null }];
    case 'EXITED': {
      const { pid, code, signal, stderrDropped } = frame as Required<ProcessFields>;
      if (stream === 0) return [{ call: 'exited', pid, code, signal }];
      return [{ call: 'programEnded', stream, end: { code, signal, stderrDropped } }];
    }
    case 'STARTED':
      return [{ call: 'started', stream, pid: frame.pid!, warm: frame.flags === 1 }];
    case 'STDERR':
      return [{ call: 'stderr', stream, bytes: latin1(frame.bodyHex) }];
    case 'BODY_CREDIT':
      return [{ call: 'bodyCredit', stream, bytes: frame.credit! }];
    case 'BODY_CLOSED':
      return [{ call: 'bodyClosed', stream }];
    default:
      throw new Error(`a worker sends no ${frame.type}`);
  }
}

type OfChannel = Pick<ValidVector, 'channel' | 'hex'>;

const AUTH = 0x10;

/** The bytes of a connection that sends this vector. A launcher sends no AUTH. */
function connectionOf({ channel, hex }: OfChannel): Buffer {
  const frame = Buffer.from(hex, 'hex');
  if (channel === 'launcher' || frame[8] === AUTH) return frame;
  return Buffer.concat([authFrame(channel[0]!.toUpperCase()), frame]);
}

const decoderOf = (channel: string): { decoder: FrameDecoder; recorder: { told: Told[] } } =>
  channel === 'launcher' ? launcherDecoder() : recordingDecoder();

function decode(pieces: readonly Buffer[], channel = 'data'): Told[] {
  const { decoder, recorder } = decoderOf(channel);
  for (const piece of pieces) decoder.push(Buffer.from(piece));
  expect(decoder.atBorder).toBe(true);
  return joined(recorder.told);
}

const VALID = validVectors('to-gateway');
const allOf = (channel: string): readonly ValidVector[] =>
  VALID.filter((vector) => vector.frame.type !== 'AUTH' && vector.channel === channel);

describe.each(VALID)('decoding the vector $name', (vector) => {
  const { channel } = vector;
  const bytes = connectionOf(vector);
  const told = vector.frame.type === 'AUTH' ? [] : expected(vector.frame);

  test('whole', () => {
    expect(decode([bytes], channel)).toEqual(told);
  });

  test('byte by byte', () => {
    const pieces = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
    expect(decode(pieces, channel)).toEqual(told);
  });

  test('split at each offset', () => {
    for (let at = 1; at < bytes.length; at++) {
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
      expect(decode(pieces, channel), `split at ${at}`).toEqual(told);
    }
  });

  if (vector.frame.type === 'AUTH') {
    test('asks for the token and the channel', () => {
      const { decoder, authenticated } = recordingDecoder();
      decoder.push(bytes);
      expect(authenticated).toEqual([`${vector.frame.token}${vector.frame.role}`]);
    });
  }
});

describe.each([
  ['data', [authFrame('D')]],
  ['launcher', []],
])('a whole %s channel', (channel, auth) => {
  const vectors = allOf(channel);
  const bytes = Buffer.concat([...auth, ...vectors.map(({ hex }) => Buffer.from(hex, 'hex'))]);
  const told = joined(vectors.flatMap(({ frame }) => expected(frame)));

  test('in one piece', () => {
    expect(decode([bytes], channel)).toEqual(told);
  });

  test.each([1, 2, 3, 7, 12, 13, 64, 1000])('in pieces of %d bytes', (size) => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    expect(decode(pieces, channel)).toEqual(told);
  });
});

describe('a whole connection', () => {
  test('a small answer that came whole is told in one call, its body as a string', () => {
    const { decoder, recorder } = recordingDecoder();
    decoder.push(
      Buffer.concat([
        authFrame('D'),
        headFrame(1, '200 OK', 'hello'),
        headFrame(2, '200 OK', Buffer.alloc(8193)),
      ]),
    );
    expect(recorder.told.map((one) => one.call)).toEqual(['answer', 'answer']);
  });
});

describe('large frames', () => {
  test('a body of 1 MiB is handed on as it comes and never collected', () => {
    const head = '200 OK';
    const body = Buffer.alloc(1_048_576 - 8 - head.length, 'x');
    const bytes = Buffer.concat([
      authFrame('D'),
      headFrame(1, head, body),
      dataFrame(2, Buffer.alloc(1_048_576, 'y')),
      endFrame(2),
    ]);
    const { decoder, recorder } = recordingDecoder();
    let longest = 0;
    for (let at = 0; at < bytes.length; at += 65_536) {
      const before = recorder.told.length;
      decoder.push(bytes.subarray(at, at + 65_536));
      for (const one of recorder.told.slice(before))
        if (one.call === 'data') longest = Math.max(longest, one.chunk.length);
      expect(recorder.told.length, 'each piece is handed on at once').toBeGreaterThan(before);
    }
    expect(longest).toBeLessThanOrEqual(65_536);
    const told = joined(recorder.told);
    expect(told.map((one) => one.call)).toEqual(['head', 'data', 'end', 'data', 'end']);
    expect(told[1]).toMatchObject({ stream: 1, chunk: body.toString() });
  });

  test('a log line of 1 MiB in small pieces', () => {
    const bytes = Buffer.concat([
      authFrame('C'),
      rawFrame({ type: 0x17, flags: 3, payload: 'z'.repeat(1_048_576) }),
    ]);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 10_000) pieces.push(bytes.subarray(at, at + 10_000));
    expect(decode(pieces)).toEqual([{ call: 'log', stream: 0, level: 3, text: 'z'.repeat(1_048_576) }]);
  });
});

/** Pushes all pieces; what was thrown, which also ends it. */
function refusal(pieces: readonly Buffer[], channel = 'data'): unknown {
  const { decoder } = decoderOf(channel);
  try {
    for (const piece of pieces) decoder.push(Buffer.from(piece));
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('corrupt input', () => {
  describe.each(corruptVectors('to-gateway'))('$name ($error)', (vector) => {
    const { channel } = vector;
    const bytes = connectionOf(vector);

    test('is refused whole, byte by byte and split at each offset', () => {
      expect(refusal([bytes], channel)).toBeInstanceOf(FrameError);
      const pieces = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
      expect(refusal(pieces, channel)).toBeInstanceOf(FrameError);
      for (let at = 1; at < bytes.length; at++) {
        const split = [bytes.subarray(0, at), bytes.subarray(at)];
        expect(refusal(split, channel), `split at ${at}`).toBeInstanceOf(FrameError);
      }
    });
  });

  test.each([
    ['a RECALLED on the data channel', 'D', rawFrame({ type: 0x18, payload: u32(1) })],
    [
      'READY with a member of the wrong type',
      'D',
      rawFrame({ type: 0x11, payload: '{"pid":"1","python":"3","implementation":"C","executable":"/"}' }),
    ],
    [
      'ERROR without a traceback',
      'D',
      rawFrame({
        type: 0x15,
        stream: 1,
        payload: Buffer.concat([u32(1), Buffer.from('{"class":"A","message":"b"}')]),
      }),
    ],
    ['FILE with a relative path', 'D', fileFrame(0n, 1n, 'etc/passwd')],
    ['FILE with a NUL in its path', 'D', fileFrame(0n, 1n, '/etc/pass\0wd')],
    ['FILE beyond 2^53', 'D', fileFrame(1n << 53n, 1n, '/a')],
    [
      'FILE whose offset and length overflow 64 bits',
      'D',
      fileFrame((1n << 64n) - 1n, (1n << 64n) - 1n, '/a'),
    ],
    [
      'a head longer than 32-bit arithmetic',
      'D',
      rawFrame({ type: 0x12, stream: 1, payload: u32(0, 0xffff_ffff) }),
    ],
  ])('%s', (_name, channel, frame) => {
    expect(refusal([authFrame(channel), frame])).toBeInstanceOf(FrameError);
  });

  test.each([0, 1, 0x8000_0000, 0xffff_ffff])(
    'a STARTED that has another process group killed: %d',
    (pid) => {
      expect(refusal([rawFrame({ type: 0x1d, stream: 1, payload: u32(pid) })], 'launcher')).toBeInstanceOf(
        FrameError,
      );
    },
  );

  test('the header alone is enough to refuse a frame that is too long', () => {
    const frame = rawFrame({ type: 0x17, flags: 1, length: 1_048_577 });
    expect(refusal([authFrame('D'), frame])).toBeInstanceOf(FrameError);
  });

  test('random bytes are refused or wait for more, and never loop', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >> 16;
    for (let round = 0; round < 2000; round++) {
      const noise = Buffer.from(Array.from({ length: 40 }, () => random() & 0xff));
      const channel = 'DCZL'[round % 4]!;
      const error = channel === 'L' ? refusal([noise], 'launcher') : refusal([authFrame(channel), noise]);
      if (error !== undefined) expect(error).toBeInstanceOf(FrameError);
    }
  });
});

function fileFrame(offset: bigint, length: bigint, path: string): Buffer {
  const numbers = Buffer.alloc(32);
  numbers.writeBigUInt64LE(offset, 0);
  numbers.writeBigUInt64LE(length, 8);
  return rawFrame({ type: 0x16, stream: 1, payload: Buffer.concat([numbers, Buffer.from(path)]) });
}

describe('a receiver that expects no zygote', () => {
  test.each([
    ['FILES', 'D', 0x1a, '{"files":[]}'],
    ['FORKED', 'Z', 0x1b, '{"id":1,"pid":2}'],
    ['EXITED', 'Z', 0x1c, '{"pid":2,"code":0,"signal":null}'],
  ])('is sent %s', (_name, channel, type, payload) => {
    const decoder = new FrameDecoder(() => new Recorder());
    decoder.push(authFrame(channel));
    expect(() => decoder.push(rawFrame({ type, payload }))).toThrow(FrameError);
  });
});

describe('AUTH', () => {
  test('must come first', () => {
    for (const { frame, hex, name } of VALID) {
      if (frame.type === 'AUTH') continue;
      expect(refusal([Buffer.from(hex, 'hex')]), name).toBeInstanceOf(FrameError);
    }
  });

  test('must come once', () => {
    expect(refusal([authFrame('D'), authFrame('D')])).toBeInstanceOf(FrameError);
    expect(refusal([authFrame('D'), authFrame('C')])).toBeInstanceOf(FrameError);
  });

  test('names a channel', () => {
    expect(refusal([authFrame('X')])).toBeInstanceOf(FrameError);
  });

  test('is asked about once, and a refusal ends the connection', () => {
    const asked: string[] = [];
    const decoder = new FrameDecoder((token, channel) => {
      asked.push(token + channel);
      return undefined;
    });
    expect(() => decoder.push(Buffer.concat([authFrame('D'), endFrame(1)]))).toThrow(FrameError);
    expect(asked).toEqual([`${TOKEN}D`]);
  });
});
