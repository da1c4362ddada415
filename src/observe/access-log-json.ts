/** The access log as JSON: one object in a line, always with the same keys in the same order. */
import type { RequestFinish } from './channels.js';

/** Beyond ASCII, and DEL: JSON.stringify leaves them as they are, and terminals act on some of them. */
const NOT_ASCII = /[\x7f-\uffff]/;
const ALL_NOT_ASCII = new RegExp(NOT_ASCII, 'g');

/** Makes a line, with its newline. What is not known is null. A character of a field's value is one byte (latin-1). */
export function formatJson({
  request,
  peer,
  status,
  head,
  bodyBytes,
  durationMs,
  aborted,
}: RequestFinish): string {
  const line = JSON.stringify({
    time: new Date().toISOString(),
    id: request?.id ?? null,
    client: (request?.clientAddress ?? peer.remoteAddress) || null,
    method: request?.method ?? null,
    scheme: request?.scheme ?? null,
    host: request?.authority || null,
    target: request?.target ?? null,
    protocol: request === null ? null : `HTTP/${request.httpVersion}`,
    status,
    bodyBytes,
    durationMs: Math.round(durationMs * 1000) / 1000,
    aborted,
    contentType: head?.field('content-type') ?? null,
    referer: request?.field('referer') ?? null,
    userAgent: request?.field('user-agent') ?? null,
  });
  return `${NOT_ASCII.test(line) ? line.replace(ALL_NOT_ASCII, escapeUnit) : line}\n`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
