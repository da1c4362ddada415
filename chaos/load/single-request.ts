/** A request on a connection of its own, by a client that stays or leaves; what became of it is told exactly once. */
import { connect } from 'node:net';
import { AnswerParser, type Answer } from '../http/answer-parser.js';

export interface SingleRequest {
  readonly port: number;
  readonly head: string;
  readonly body: Buffer;
  readonly leaving?: Leaving;
}

/** Where and how a client leaves. */
export interface Leaving {
  /** So much of the head and the body is sent. */
  readonly sentShare: number;
  /** After so many bytes of the answer, or after the pause. */
  readonly afterAnswerBytes: number;
  readonly pauseMs: number;
  /** By a reset (RST) instead of an end (FIN). */
  readonly reset: boolean;
}

export type Fate =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** The answer began, and the connection ended before it was complete. */
  | { readonly kind: 'cut' }
  /** The connection ended without a byte, or was refused. */
  | { readonly kind: 'lost'; readonly why: string }
  /** What came is no answer. */
  | { readonly kind: 'wrong'; readonly why: string }
  /** Nothing came for too long. */
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'left' };

const LIMIT_MS = 60_000;

export function sendSingle({ port, head, body, leaving }: SingleRequest): Promise<Fate> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let received = 0;
    let answer: Answer | undefined;
    let fate: Fate | undefined;
    const parser = new AnswerParser((whole) => {
      if (answer !== undefined) fate ??= { kind: 'wrong', why: 'a second answer came' };
      answer = whole;
    });
    const end = (how: Fate): void => {
      fate ??= how;
      if (how.kind === 'left' && leaving?.reset === true) socket.resetAndDestroy();
      else socket.destroy();
    };
    const limit = setTimeout(() => end({ kind: 'forgotten' }), LIMIT_MS);
    let pause: NodeJS.Timeout | undefined;
    socket.on('connect', () => {
      const bytes = Buffer.concat([Buffer.from(head, 'latin1'), body]);
      socket.write(bytes.subarray(0, Math.ceil(bytes.length * (leaving?.sentShare ?? 1))));
      if (leaving !== undefined) pause = setTimeout(() => end({ kind: 'left' }), leaving.pauseMs);
    });
    socket.on('data', (bytes) => {
      received += bytes.length;
      if (leaving !== undefined) {
        if (received >= leaving.afterAnswerBytes) end({ kind: 'left' });
        return;
      }
      try {
        parser.push(bytes);
      } catch (error) {
        end({ kind: 'wrong', why: (error as Error).message });
      }
    });
    let failure = '';
    socket.on('error', (error) => (failure = error.message));
    socket.on('close', () => {
      clearTimeout(limit);
      clearTimeout(pause);
      if (fate === undefined && leaving !== undefined) fate = { kind: 'left' };
      if (fate === undefined && parser.hasUnread && answer !== undefined)
        fate = { kind: 'wrong', why: 'bytes came after the end of the answer' };
      fate ??=
        answer !== undefined
          ? { kind: 'answered', answer }
          : received > 0
            ? { kind: 'cut' }
            : { kind: 'lost', why: failure };
      resolve(fate);
    });
  });
}
