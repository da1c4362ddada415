/** The measured static files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requestBytes, type RequestParts } from './http/request-bytes.js';
import type { Exchange, Workload } from './workload.js';

export interface StaticFile extends Workload {
  /** Its path in the folder that is served. */
  readonly file: string;
  readonly content: Buffer;
  /** For people. */
  readonly size: string;
  /** Of the load, unless the command line says otherwise. */
  readonly connections: number;
}

/** One that every server knows by the same name, and none compresses. */
const MEDIA_TYPE = 'image/png';
const CYCLE = Uint8Array.from({ length: 251 }, (_, index) => index);
const PART_BYTES = 100;

export const oneKilobyte = staticFile({ name: '1kb', size: '1 KB', bytes: 1024, connections: 32 });

export const staticFiles: readonly StaticFile[] = [
  oneKilobyte,
  staticFile({ name: '100kb', size: '100 KB', bytes: 102_400, connections: 32 }),
  staticFile({ name: '10mb', size: '10 MB', bytes: 10_485_760, connections: 8 }),
];

/** What applications answer with, too: bench/apps/typescript/text.mjs. */
export const applicationText: StaticFile = textFile('1kb', 'Hello, World!\n'.repeat(74).slice(0, 1024));

/** The same file in a folder. */
export function inFolder(folder: string, { name, size, content, connections }: StaticFile): StaticFile {
  return staticFile({ name, size, folder, bytes: content.length, connections });
}

/** Makes the folder that is served. */
export function prepareFiles(directory: string, files: readonly StaticFile[]): string {
  for (const { file, content } of files) {
    const path = join(directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return directory;
}

function textFile(name: string, text: string): StaticFile {
  const file = `${name}.txt`;
  const content = Buffer.from(text);
  const contentType = 'text/plain; charset=utf-8';
  const answer = { status: 200, contentType, body: content, hasLength: true };
  return {
    name: `${name}-text`,
    title: 'an answer of 1 KB of text',
    file,
    size: '1 KB',
    content,
    connections: 32,
    exchanges: [
      { request: requestBytes({ target: `/${file}` }), answer },
      { request: requestBytes({ target: `/${file}?query` }), answer },
    ],
    load: { path: `/${file}`, postBytes: 0, answerBytes: content.length },
  };
}

interface FileShape {
  readonly name: string;
  readonly size: string;
  /** In the folder that is served; that folder itself by default. */
  readonly folder?: string;
  readonly bytes: number;
  readonly connections: number;
}

function staticFile({ name, size, folder = '', bytes, connections }: FileShape): StaticFile {
  const file = `${folder}${name}.png`;
  const target = `/${file}`;
  // Bytes that differ from their neighbours, so that a lost or moved piece is noticed.
  const content = Buffer.alloc(bytes, CYCLE);
  const part = { target, fields: { Range: `bytes=0-${PART_BYTES - 1}` } };
  return {
    name,
    title: `a file of ${size}`,
    file,
    size,
    content,
    connections,
    exchanges: [
      exchange({ target }, 200, content),
      exchange(part, 206, content.subarray(0, PART_BYTES)),
      exchange({ target: `${target}?query` }, 200, content),
    ],
    load: { path: target, postBytes: 0, answerBytes: bytes },
  };
}

function exchange(request: RequestParts, status: number, body: Buffer): Exchange {
  return {
    request: requestBytes(request),
    answer: { status, contentType: MEDIA_TYPE, body, hasLength: true },
  };
}
