import { mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { iterableBody } from '../../../src/bodies/iterable-body.js';
import { responseChunks } from '../../../src/bodies/response-chunks.js';
import type { BodySink, BodySource, ResponseBody } from '../../../src/types.js';
import { makeTempDir } from '../../support/temp-dir.js';

async function read(body: ResponseBody): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of responseChunks(body)) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts).toString('latin1');
}

async function fileOf(text: string) {
  const file = path.join(mkdtempSync(path.join(makeTempDir(), 'f-')), 'file');
  writeFileSync(file, text);
  const handle = await open(file);
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return { file, handle, version: { size, mtimeNs } };
}

const openFiles = (file: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      return false;
    }
  }).length;

describe('the bytes of each kind of body', () => {
  test('none', async () => {
    expect(await read({ kind: 'empty' })).toBe('');
  });

  test('bytes, whose memory is given back', async () => {
    let taken = 0;
    expect(await read({ kind: 'bytes', bytes: 'é', taken: () => (taken += 1) })).toBe('é');
    expect(await read({ kind: 'bytes', bytes: Buffer.from([0xe9]) })).toBe('é');
    expect(taken).toBe(1);
  });

  test('parts of a file, with text between', async () => {
    const { file, handle, version } = await fileOf('0123456789'.repeat(20_000));
    const pieces = [{ offset: 5, length: 100_000 }, '|', { offset: 199_999, length: 1 }];
    const text = await read({ kind: 'file', file: { handle, pieces, version } });
    expect(text).toBe(`${'0123456789'.repeat(20_000).slice(5, 100_005)}|9`);
    expect(openFiles(file)).toBe(0);
  });

  test('a source', async () => {
    expect(await read(iterableBody([Buffer.from('a'), Buffer.from('b')]))).toBe('ab');
  });
});

test('a file that is written to meanwhile is no body', async () => {
  const { file, handle, version } = await fileOf('a'.repeat(200_000));
  const chunks = responseChunks({
    kind: 'file',
    file: { handle, pieces: [{ offset: 0, length: 200_000 }], version },
  });
  await chunks.next();
  writeFileSync(file, 'b'.repeat(200_000));
  await expect(chunks.next()).rejects.toMatchObject({ code: 'XGI_HTTP_FILE_CHANGED' });
  expect(openFiles(file)).toBe(0);
});

test('one that is shorter than promised is an error', async () => {
  const { handle } = await fileOf('abc');
  await expect(read({ kind: 'file', file: { handle, pieces: [{ offset: 0, length: 5 }] } })).rejects.toThrow(
    'written to',
  );
});

/** A source that notes what becomes of it. */
class Noting implements BodySource {
  sink: BodySink | undefined;
  takenBytes = 0;
  cancels = 0;
  start(sink: BodySink): void {
    this.sink = sink;
  }
  taken(bytes: number): void {
    this.takenBytes += bytes;
  }
  cancel(): void {
    this.cancels += 1;
  }
}

test('memory of a source is given back when the next chunk is asked for', async () => {
  const source = new Noting();
  const chunks = responseChunks({ kind: 'stream', source });
  const first = chunks.next();
  await Promise.resolve();
  source.sink!.data(Buffer.from('abc'));
  expect((await first).value).toEqual(Buffer.from('abc'));
  expect(source.takenBytes).toBe(0);
  const second = chunks.next();
  await Promise.resolve();
  expect(source.takenBytes).toBe(3);
  source.sink!.end();
  expect((await second).done).toBe(true);
  expect(source.cancels).toBe(0);
});

test('ended early, a source is cancelled once, and what has come is given back', async () => {
  const source = new Noting();
  const chunks = responseChunks({ kind: 'stream', source });
  const first = chunks.next();
  await Promise.resolve();
  source.sink!.data(Buffer.from('abc'));
  source.sink!.data(Buffer.from('defg'));
  await first;
  await chunks.return();
  expect([source.takenBytes, source.cancels]).toEqual([7, 1]);
});

test('an error of a source is thrown, after what came before it', async () => {
  const source = new Noting();
  const chunks = responseChunks({ kind: 'stream', source });
  const first = chunks.next();
  await Promise.resolve();
  source.sink!.data(Buffer.from('abc'));
  source.sink!.error(new Error('broken'));
  expect((await first).value).toEqual(Buffer.from('abc'));
  await expect(chunks.next()).rejects.toThrow('broken');
  expect(source.cancels).toBe(0);
});

describe('ended early', () => {
  /** Has nothing to say. */
  class IdleSource implements BodySource {
    cancelled = 0;
    start(): void {}
    taken(): void {}
    cancel(): void {
      this.cancelled += 1;
    }
  }

  test('while it is waited for, the source is told at once', async () => {
    const source = new IdleSource();
    const chunks = responseChunks({ kind: 'stream', source });
    const waiting = chunks.next();
    expect(await chunks.return()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(source.cancelled).toBe(1);
  });

  test('before it was asked for anything, too', async () => {
    const source = new IdleSource();
    const chunks = responseChunks({ kind: 'stream', source });
    await chunks.return();
    await chunks.return();
    expect(source.cancelled).toBe(1);
  });
});
