/** Clients that leave in the middle: at every place where one can. Nothing is owed to them, and nobody else may notice. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestKind } from './plan.js';
import { makeRequest } from './request.js';
import type { SharedLoad } from './steady-connection.js';

const POST: RequestKind = { name: 'left', method: 'POST', path: '/quick', bodyBytes: 150_000 };
const BUSY: RequestKind = { name: 'left', method: 'GET', path: '/busy', query: 'ms=5' };
const LARGE: RequestKind = {
  name: 'left',
  method: 'GET',
  path: '/quick',
  query: 'stream=1',
  answerBytes: 1_000_000,
};

interface Manner {
  readonly kind: RequestKind;
  /** Share of the head, and of the body, that is sent. */
  readonly head: number;
  readonly body: number;
  /** Leaves when this has come of the answer, else after the pause. */
  readonly afterAnswerBytes?: number;
  readonly pauseMs: number;
  /** By a reset (RST) instead of an end (FIN). */
  readonly reset: boolean;
}

const MANNERS: readonly Manner[] = [
  { kind: BUSY, head: 0, body: 0, pauseMs: 5, reset: false },
  { kind: BUSY, head: 0.5, body: 0, pauseMs: 5, reset: false },
  { kind: POST, head: 1, body: 0, pauseMs: 5, reset: true },
  { kind: POST, head: 1, body: 0.7, pauseMs: 5, reset: false },
  // While it waits, or runs.
  { kind: BUSY, head: 1, body: 1, pauseMs: 0, reset: true },
  { kind: BUSY, head: 1, body: 1, pauseMs: 3, reset: false },
  { kind: POST, head: 1, body: 1, pauseMs: 0, reset: true },
  { kind: LARGE, head: 1, body: 1, afterAnswerBytes: 1, pauseMs: 1000, reset: true },
  { kind: LARGE, head: 1, body: 1, afterAnswerBytes: 300_000, pauseMs: 1000, reset: false },
];
const BETWEEN_MS = 10;

/** Goes on until the load is to stop. */
export async function runRudeClient(shared: SharedLoad, index: number): Promise<void> {
  for (let n = 0; !shared.stopping; n++) {
    const manner = MANNERS[(index + n) % MANNERS.length]!;
    await leave(shared, manner, `${shared.plan.prefix}r${index}-${n}`);
    await sleep(BETWEEN_MS);
  }
}

function leave({ plan, tally }: SharedLoad, manner: Manner, id: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: plan.port, noDelay: true });
    const go = (): void => {
      if (manner.reset) socket.resetAndDestroy();
      else socket.destroy();
    };
    let received = 0;
    let isOpen = false;
    let timer: NodeJS.Timeout | undefined;
    socket.on('connect', () => {
      isOpen = true;
      tally.abandoned++;
      const { head, body } = makeRequest(manner.kind, id);
      socket.write(head.slice(0, head.length * manner.head), 'latin1');
      if (body && manner.body > 0) socket.write(body.subarray(0, body.length * manner.body));
      timer = setTimeout(go, manner.pauseMs);
    });
    socket.on('data', (bytes) => {
      received += bytes.length;
      if (received >= (manner.afterAnswerBytes ?? Infinity)) go();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      if (!isOpen) tally.refused++;
      resolve();
    });
  });
}
