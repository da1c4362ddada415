/**
 * The telemetry channels (`node:diagnostics_channel`). The access log, metrics and tracing subscribe; the
 * publishers ask `hasSubscribers` first, so that the hot path pays only when somebody listens.
 */
import { channel } from 'node:diagnostics_channel';
import type { GatewayRequest, Peer } from '../types.js';
import type { ResponseHead } from '../http/response-head.js';

/** Published on `xgi:request:finish` once for every request, and for every input that was refused as no request. */
export interface RequestFinish {
  /** null if the input was not a request that could be read: then the status is 4xx or 5xx. */
  readonly request: GatewayRequest | null;
  readonly peer: Peer;
  /** What the client was sent, or was to be sent when it went away. 499 if it left before there was a head. */
  readonly status: number;
  readonly head: ResponseHead | null;
  /** Bytes of the response body given to the socket; without chunk framing. */
  readonly bodyBytes: number;
  /** From the arrival of the head to the last byte given to the socket. */
  readonly durationMs: number;
  /** The response did not reach its end. */
  readonly aborted: boolean;
}

/** Carries {@link RequestFinish}. */
export const requestFinish = channel('xgi:request:finish');
