/** Bodies of a gibibyte, made and checked on the way: nothing holds one as a whole. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResponseReader } from '../http/response-reader.js';
import { requestBytes } from '../http/request-bytes.js';

export interface Transfer {
  readonly seconds: number;
  readonly bytes: number;
}

const MEBIBYTE = 2 ** 20;
/** What the application sends again and again, too. */
const BLOCK = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, index) => index % 251));
const BLOCKS_PER_MEBIBYTE = MEBIBYTE / BLOCK.length;
/** A transfer that stands still is given up. */
const IDLE_LIMIT_MS = 30_000;

/** POSTs that many mebibytes. @throws when the application received other bytes. */
export async function upload(port: number, mebibytes: number): Promise<Transfer> {
  const start = performance.now();
  const socket = await open(port);
  try {
    const digest = createHash('sha256');
    const answer = readAnswer(socket);
    // It is awaited after the body has been sent; until then a rejection is not unhandled.
    answer.catch(() => {});
    socket.write(uploadHead(mebibytes * MEBIBYTE));
    for (let sent = 0; sent < mebibytes * BLOCKS_PER_MEBIBYTE; sent += 1) {
      digest.update(BLOCK);
      if (!socket.write(BLOCK)) await Promise.race([drained(socket), answer]);
      if (socket.destroyed) break;
    }
    const received = await answer;
    const expected = digest.digest('hex');
    if (received !== expected) throw new Error(`the application hashed to ${received}, not ${expected}`);
    return { seconds: (performance.now() - start) / 1000, bytes: mebibytes * MEBIBYTE };
  } finally {
    socket.destroy();
  }
}

export interface SlowClient {
  /** How long it is slow; after that it reads as fast as it can. */
  readonly slowSeconds: number;
}

/** How slowly: one piece of what the socket holds (at most 64 KiB), then a pause. */
const SLOW_PAUSE_MS = 25;

/** GETs that many mebibytes, slowly at first. @throws when other bytes come. */
export async function download(
  port: number,
  mebibytes: number,
  { slowSeconds }: SlowClient,
): Promise<Transfer> {
  const start = performance.now();
  const slowUntil = start + slowSeconds * 1000;
  const socket = await open(port);
  const digest = createHash('sha256');
  let bytes = 0;
  const reader = new ResponseReader((piece) => {
    bytes += piece.length;
    digest.update(piece);
  });
  try {
    socket.write(requestBytes({ target: `/?${mebibytes}` }));
    for await (const piece of socket) {
      reader.push(piece as Buffer);
      if (reader.isComplete) break;
      if (performance.now() < slowUntil) await sleep(SLOW_PAUSE_MS);
    }
    if (!reader.isComplete) reader.end();
  } finally {
    socket.destroy();
  }
  if (reader.head.status !== 200) throw new Error(`status ${reader.head.status}`);
  if (digest.digest('hex') !== expectedDigest(mebibytes)) {
    throw new Error(`the ${bytes} bytes that came are not the ${mebibytes * MEBIBYTE} that were sent`);
  }
  return { seconds: (performance.now() - start) / 1000, bytes };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(IDLE_LIMIT_MS, () => {
      socket.destroy(new Error(`nothing moved for ${IDLE_LIMIT_MS / 1000} s`));
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function uploadHead(bytes: number): string {
  return `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n`;
}

/** The body of the answer as text. */
function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const reader = new ResponseReader((piece) => (text += piece.toString('latin1')));
    socket.on('data', (bytes) => {
      try {
        reader.push(bytes);
      } catch (error) {
        reject(error as Error);
        return;
      }
      if (!reader.isComplete) return;
      if (reader.head.status === 200) resolve(text);
      else reject(new Error(`status ${reader.head.status}: ${text.slice(0, 200)}`));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed before the answer')));
  });
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('drain', resolve));
}

function expectedDigest(mebibytes: number): string {
  const digest = createHash('sha256');
  for (let block = 0; block < mebibytes * BLOCKS_PER_MEBIBYTE; block += 1) digest.update(BLOCK);
  return digest.digest('hex');
}
