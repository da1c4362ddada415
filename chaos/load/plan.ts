/** What a load consists of. Plain data: it is handed to the thread that makes the load. */

export interface RequestKind {
  /** For the figures. */
  readonly name: string;
  /** POST sends a body of `bodyBytes`. */
  readonly method: 'GET' | 'POST';
  /** What the application does, see apps/faults.py. */
  readonly path: string;
  /** Added to the query, such as `ms=5`. */
  readonly query?: string;
  readonly bodyBytes?: number;
  /** Filler in the answer, after its first line. */
  readonly answerBytes?: number;
}

export interface LoadPlan {
  readonly port: number;
  /** Begins the id of every request: no two loads of a run have the same. */
  readonly prefix: string;
  /** That send without pause, one request after another; each goes round `sequence`, from a place of its own. */
  readonly connections: number;
  readonly sequence: readonly RequestKind[];
  /** Requests that a connection sends before it waits for their answers (pipelining, RFC 9112 section 9.3.2). */
  readonly depth: number;
  /** A connection of its own for each request, which says `Connection: close`. */
  readonly closeEach: boolean;
  /** Clients that send, or read, bit by bit. */
  readonly slow: number;
  /** Clients that leave in the middle of things. */
  readonly rude: number;
  /** No more than so many requests by the connections without pause. */
  readonly maxRequests: number;
  /** A refused connection ends the client: for a server that is told to go. */
  readonly stopWhenRefused: boolean;
}

export const QUICK: RequestKind = { name: 'quick', method: 'GET', path: '/quick' };
export const QUICK_POST: RequestKind = { name: 'quick post', method: 'POST', path: '/quick', bodyBytes: 200 };

/** The load of the issue: 32 connections that send quick requests without pause. */
export function planOf(port: number, changes: Partial<LoadPlan> = {}): LoadPlan {
  return {
    port,
    prefix: nextPrefix(),
    connections: 32,
    sequence: [QUICK, QUICK, QUICK, QUICK_POST],
    depth: 1,
    closeEach: false,
    slow: 0,
    rude: 0,
    maxRequests: Number.MAX_SAFE_INTEGER,
    stopWhenRefused: false,
    ...changes,
  };
}

let loads = 0;

/** `a`, `b`, … `z`, `ba`. */
function nextPrefix(): string {
  let text = '';
  for (let rest = loads++; text === '' || rest > 0; rest = Math.floor(rest / 26))
    text = String.fromCharCode(97 + (rest % 26)) + text;
  return text;
}
