/** Tells those who listen that a request is over. Costs nothing if nobody does. */
import type { ResponseHead } from '../http/response-head.js';
import { requestFinish, type RequestFinish } from '../observe/channels.js';
import type { Peer } from '../types.js';
import type { Exchange } from './exchange.js';

/** @param aborted the client had gone before the response was complete */
export function publishExchange(exchange: Exchange, aborted: boolean): void {
  if (!requestFinish.hasSubscribers) return;
  const record: RequestFinish = {
    request: exchange,
    peer: exchange.peer,
    status: exchange.responseHead?.status ?? 499,
    head: exchange.responseHead,
    bodyBytes: exchange.bodyBytes,
    durationMs: performance.now() - exchange.arrivedAtMs,
    aborted,
  };
  requestFinish.publish(record);
}

/** Something was answered that never became a request. */
export function publishRefusal(peer: Peer, head: ResponseHead, bodyBytes: number): void {
  if (!requestFinish.hasSubscribers) return;
  const record: RequestFinish = {
    request: null,
    peer,
    status: head.status,
    head,
    bodyBytes,
    durationMs: 0,
    aborted: false,
  };
  requestFinish.publish(record);
}
