/** Clients that take their time, one request after another, each on a connection of its own: all they ask has to be answered. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnswerParser, type Answer } from '../http/answer-parser.js';
import type { RequestKind } from './plan.js';
import { checkAnswer, makeRequest, type SentRequest } from './request.js';
import type { SharedLoad } from './steady-connection.js';

type Manner = 'slow head' | 'slow upload' | 'slow reading';

const KINDS: Readonly<Record<Manner, RequestKind>> = {
  'slow head': { name: 'slow head', method: 'GET', path: '/quick' },
  // More than is kept in memory (64 KiB), in pieces.
  'slow upload': { name: 'slow upload', method: 'POST', path: '/quick', bodyBytes: 200_000 },
  'slow reading': {
    name: 'slow reading',
    method: 'GET',
    path: '/quick',
    query: 'stream=1',
    answerBytes: 2_000_000,
  },
};
const MANNERS = Object.keys(KINDS) as Manner[];

/** The pace of a client is what is tested here. */
const PAUSE_MS = 20;
const HEAD_PIECES = 10;
const UPLOAD_PIECES = 10;
const READ_BYTES = 100_000;
const LIMIT_MS = 60_000;

/** Goes on until the load is to stop; what is under way then is finished. */
export async function runSlowClient(shared: SharedLoad, index: number): Promise<void> {
  for (let n = 0; !shared.stopping; n++) {
    const manner = MANNERS[(index + n) % MANNERS.length]!;
    await askSlowly(shared, manner, makeRequest(KINDS[manner], `${shared.plan.prefix}s${index}-${n}`, true));
  }
}

async function askSlowly({ plan, tally }: SharedLoad, manner: Manner, request: SentRequest): Promise<void> {
  const socket = await opened(plan.port);
  if (socket === undefined) {
    tally.refused++;
    await sleep(PAUSE_MS);
    return;
  }
  tally.sent++;
  try {
    const answer = answerFrom(socket, manner === 'slow reading' ? READ_BYTES : undefined);
    // Looked at only when the request is sent; a failure before is no unhandled one.
    answer.catch(() => {});
    for (const piece of piecesOf(manner, request)) {
      // A server may answer before it has read the whole request, and close.
      if (!socket.writable) break;
      socket.write(piece);
      await sleep(PAUSE_MS);
    }
    const complete = await answer;
    if (complete === undefined) tally.lose(request, 'the connection was closed');
    else if (complete.status === 200) tally.answeredSlowly(request, checkAnswer(complete, request));
    else tally.failed(request, complete.status, complete.body);
  } catch (error) {
    tally.refuse(request.id, (error as Error).message);
  } finally {
    socket.destroy();
  }
}

function piecesOf(manner: Manner, { head, body }: SentRequest): Buffer[] {
  const whole = Buffer.from(head, 'latin1');
  if (manner === 'slow head') return split(whole, HEAD_PIECES);
  return body === undefined ? [whole] : [whole, ...split(body, UPLOAD_PIECES)];
}

function split(bytes: Buffer, pieces: number): Buffer[] {
  const size = Math.ceil(bytes.length / pieces);
  return Array.from({ length: pieces }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function opened(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.on('error', () => resolve(undefined));
    socket.once('connect', () => resolve(socket));
  });
}

/**
 * The answer; undefined if the connection ends before, or within a minute nothing whole comes. Rejects if it is broken.
 *
 * @param pauseEvery bytes after which nothing is read for a while
 */
function answerFrom(socket: Socket, pauseEvery: number | undefined): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined;
    let sincePause = 0;
    const parser = new AnswerParser((whole) => {
      if (answer !== undefined) throw new Error('an answer came that nobody had asked for');
      answer = whole;
    });
    const limit = setTimeout(() => socket.destroy(), LIMIT_MS);
    socket.on('data', (bytes) => {
      try {
        parser.push(bytes);
      } catch (error) {
        clearTimeout(limit);
        reject(error as Error);
        socket.destroy();
        return;
      }
      sincePause += bytes.length;
      if (pauseEvery === undefined || sincePause < pauseEvery) return;
      sincePause = 0;
      socket.pause();
      setTimeout(() => socket.resume(), PAUSE_MS);
    });
    // All these requests say `Connection: close`: the end shows that nothing came after the answer.
    socket.on('close', () => {
      clearTimeout(limit);
      resolve(answer);
    });
  });
}
