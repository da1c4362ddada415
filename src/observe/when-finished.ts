/** Tells one who asked when a request is over, and what became of it. */
import { subscribe } from 'node:diagnostics_channel';
import { originalRequest } from '../http/derived-request.js';
import type { GatewayRequest } from '../types.js';
import { requestFinish, type RequestFinish } from './channels.js';

export interface FinishListener {
  /** @param finish whose request is the one that was asked about */
  finished(finish: RequestFinish): void;
}

interface Watch {
  readonly request: GatewayRequest;
  readonly listener: FinishListener;
  /** Of the same request, asked before. */
  readonly other: Watch | undefined;
}

/** By what the server knows a request by, which is the one that all others were derived from. */
const watches = new WeakMap<GatewayRequest, Watch>();
let isSubscribed = false;

/** @param request as the asker sees it */
export function whenFinished(request: GatewayRequest, listener: FinishListener): void {
  if (!isSubscribed) {
    isSubscribed = true;
    subscribe(requestFinish.name, tell);
  }
  const original = originalRequest(request);
  watches.set(original, { request, listener, other: watches.get(original) });
}

function tell(message: unknown): void {
  const finish = message as RequestFinish;
  if (finish.request === null) return;
  let watch = watches.get(finish.request);
  if (watch === undefined) return;
  watches.delete(finish.request);
  for (; watch !== undefined; watch = watch.other)
    watch.listener.finished({ ...finish, request: watch.request });
}
