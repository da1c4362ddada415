import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, type WriteStream } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../../../src/errors.js';
import { spoolBody, type SpooledBody } from '../../../src/handlers/body-spool.js';
import type { BodyConsumer, RequestBody } from '../../../src/types.js';
import { repository } from '../../support/paths.js';
import { pollUntil } from '../../support/poll.js';
import { run } from '../../support/process.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

/** The streams that the module makes; the real ones, noted. */
const streams = vi.hoisted((): WriteStream[] => []);

vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>();
  const createWriteStream: typeof fs.createWriteStream = (...args) => {
    const stream = fs.createWriteStream(...args);
    streams.push(stream);
    return stream;
  };
  return { ...fs, createWriteStream };
});

const MEMORY = 1000;

let folder: string;

beforeEach(() => {
  streams.length = 0;
  folder = makeTempDir();
});

afterEach(() => {
  removeTempDir(folder);
});

/** A body that the test feeds. Chunks are lent from one buffer that is overwritten after each call, as the server's are. */
class FedBody implements RequestBody {
  readonly length: number;
  consumer: BodyConsumer | undefined;
  paused = false;
  pauses = 0;

  constructor(length: number) {
    this.length = length;
  }

  consume(consumer: BodyConsumer): void {
    this.consumer = consumer;
  }
  pause(): void {
    this.paused = true;
    this.pauses++;
  }
  resume(): void {
    this.paused = false;
  }

  feed(text: string): void {
    const lent = Buffer.from(text, 'latin1');
    this.consumer!.data(lent);
    lent.fill('!');
  }
}

interface Outcome {
  readonly body: FedBody;
  readonly calls: { error: Error | null; spooled: SpooledBody | null }[];
  done(): Promise<{ error: Error | null; spooled: SpooledBody | null }>;
}

function spool(length: number, where: () => string = () => folder): Outcome {
  const body = new FedBody(length);
  const calls: Outcome['calls'] = [];
  spoolBody(body, { maxMemoryBytes: MEMORY, folder: where }, (error, spooled) =>
    calls.push({ error, spooled }),
  );
  return { body, calls, done: () => pollUntil(() => calls[0]) };
}

const closed = async (stream: WriteStream): Promise<void> => {
  if (!stream.closed) await once(stream, 'close');
};

const files = (): string[] => readdirSync(folder);

describe('a small body', () => {
  test.each([
    ['whole', 10, ['0123456789']],
    ['in pieces', 10, ['0', '123', '456789']],
    ['of exactly the limit', MEMORY, ['x'.repeat(MEMORY)]],
    ['chunked', -1, ['abc', 'def']],
    ['chunked, of exactly the limit', -1, Array.from({ length: MEMORY }, () => 'y')],
    ['chunked and empty', -1, []],
  ])('%s stays in memory, and is there in the same turn', (_what, length, pieces) => {
    const { body, calls } = spool(length, () => expect.unreachable());
    for (const piece of pieces) body.feed(piece);
    expect(calls).toEqual([]);
    body.consumer!.end();
    expect(calls).toEqual([{ error: null, spooled: { bytes: Buffer.from(pieces.join('')) } }]);
  });
});

describe('a large body', () => {
  test.each([
    ['one byte over the limit', MEMORY + 1, ['x'.repeat(MEMORY + 1)]],
    [
      'known to be large from the start, in small pieces',
      5000,
      Array.from({ length: 50 }, (_, i) => String(i % 10).repeat(100)),
    ],
    ['chunked, that grows beyond the limit', -1, ['a'.repeat(600), 'b'.repeat(600), 'c'.repeat(5000)]],
    ['chunked, one byte over', -1, ['a'.repeat(MEMORY), 'b']],
  ])('%s goes into one private file, in order', async (_what, length, pieces) => {
    const { body, done } = spool(length);
    for (const piece of pieces) body.feed(piece);
    body.consumer!.end();
    const { error, spooled } = await done();
    expect(error).toBeNull();
    if (spooled === null || !('path' in spooled)) throw new Error('not in a file');
    expect(spooled.length).toBe(pieces.join('').length);
    expect(readFileSync(spooled.path, 'latin1')).toBe(pieces.join(''));
    expect(path.dirname(spooled.path)).toBe(folder);
    expect(statSync(spooled.path).mode & 0o777).toBe(0o600);
    spooled.dispose();
    expect(files()).toEqual([]);
    // Whatever has removed it already.
    spooled.dispose();
  });

  test('the client is held back while the disk is slower', async () => {
    const { body, done } = spool(8 * 1_048_576);
    for (let i = 0; i < 8; i++) {
      body.feed('z'.repeat(1_048_576));
      if (body.paused) await pollUntil(() => !body.paused);
    }
    expect(body.pauses).toBeGreaterThan(0);
    body.consumer!.end();
    expect((await done()).spooled).toMatchObject({ length: 8 * 1_048_576 });
  });
});

describe('a body that does not come whole', () => {
  test.each([
    ['in memory', 10, ['abc']],
    ['before its file has been made', 5000, ['x'.repeat(2000)]],
    ['chunked, as it moves to a file', -1, ['x'.repeat(900), 'x'.repeat(900)]],
  ])('%s: the error is told once, and no file is left', async (_what, length, pieces) => {
    const { body, calls } = spool(length);
    for (const piece of pieces) body.feed(piece);
    const error = new Error('the client has gone');
    body.consumer!.error(error);
    body.consumer!.error(new Error('again'));
    body.consumer!.end();
    expect(calls).toEqual([{ error, spooled: null }]);
    // The file may be made after the error: it is removed when its stream has closed.
    expect(streams).toHaveLength(length === 10 ? 0 : 1);
    await Promise.all(streams.map(closed));
    expect(files()).toEqual([]);
    expect(calls).toHaveLength(1);
  });

  test('with its file half written: no file is left', async () => {
    const { body, calls } = spool(1_000_000);
    body.feed('x'.repeat(500_000));
    await pollUntil(() => files().length === 1 && statSync(path.join(folder, files()[0]!)).size > 400_000);
    body.consumer!.error(new Error('the client has gone'));
    await pollUntil(() => files().length === 0);
    expect(calls).toHaveLength(1);
  });
});

test('pieces of one byte are written in blocks, and come out whole', async () => {
  const { body, done } = spool(-1);
  const text = Array.from({ length: 200_000 }, (_, i) => String(i % 10)).join('');
  for (const digit of text) body.feed(digit);
  body.consumer!.end();
  const { spooled } = await done();
  expect(readFileSync((spooled as { path: string }).path, 'latin1')).toBe(text);
});

describe('a disk that fails', () => {
  test('no such folder: 503, told once', async () => {
    const { body, calls, done } = spool(5000, () => path.join(folder, 'missing'));
    body.feed('x'.repeat(3000));
    body.feed('x'.repeat(2000));
    body.consumer!.end();
    const { error } = await done();
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ status: 503, code: 'XGI_BODY_SPOOL' });
    expect(error!.message).toContain('TMPDIR');
    expect(calls).toHaveLength(1);
  });

  // A limit on the size of files is what a test can have of a full disk; the shell has to set it.
  test('no room: 503 though the whole body had come, and nothing is left', async () => {
    const script = `
      const { spoolBody } = await import(process.argv[1]);
      process.on('SIGXFSZ', () => {});
      let consumer;
      const body = { length: 200000, consume: (given) => (consumer = given), pause() {}, resume() {} };
      const options = { maxMemoryBytes: 1000, folder: () => process.argv[2] };
      spoolBody(body, options, (error, spooled) => console.log(error?.code, spooled));
      consumer.data(Buffer.alloc(200000));
      consumer.end();`;
    const { stdout, stderr } = await run('sh', [
      '-c',
      'ulimit -f 20 && exec "$0" --input-type=module -e "$1" "$2" "$3"',
      process.execPath,
      script,
      path.join(repository, 'dist/handlers/body-spool.js'),
      folder,
    ]);
    expect(stdout, stderr).toBe('XGI_BODY_SPOOL null\n');
    expect(files()).toEqual([]);
  });

  test('a folder that cannot be had at all is an error of this request', async () => {
    const { body, done } = spool(5000, () => {
      throw new Error('no folder');
    });
    body.feed('x'.repeat(5000));
    expect((await done()).error).toMatchObject({ status: 503, code: 'XGI_BODY_SPOOL' });
  });
});
