/** Is every answer right? A fast wrong answer is worth nothing, so this comes before and after each load. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Certificate } from '../environment/certificate.js';
import { ClientConnection, type Response } from '../http/client-connection.js';
import type { Exchange, Workload } from '../workload.js';

const PASSES = 3;
const PARALLEL_CONNECTIONS = 4;
const OPEN_LIMIT_MS = 10_000;

export interface Validation {
  /** False if the server closes after each answer. */
  readonly keepsAlive: boolean;
}

/**
 * @param certificate the server's, with TLS
 * @throws naming the first answer that is not the expected one
 */
export async function validateAnswers(
  port: number,
  workload: Workload,
  certificate?: Certificate,
): Promise<Validation> {
  const authority = certificate && readFileSync(certificate.certificatePath, 'latin1');
  const open = (): Promise<ClientConnection> => ClientConnection.open(port, OPEN_LIMIT_MS, authority);
  const exchanges = Array.from({ length: PASSES }, () => workload.exchanges).flat();
  const connectionsUsed = await validateInTurn(open, exchanges);
  const parallel = Array.from({ length: PARALLEL_CONNECTIONS }, () => validateInTurn(open, exchanges));
  const failures = (await Promise.allSettled(parallel)).filter((result) => result.status === 'rejected');
  if (failures[0]) throw failures[0].reason;
  return { keepsAlive: connectionsUsed < exchanges.length };
}

/** On one connection as long as the server keeps it. Returns how many were needed. */
async function validateInTurn(
  open: () => Promise<ClientConnection>,
  exchanges: readonly Exchange[],
): Promise<number> {
  let connection = await open();
  let used = 1;
  try {
    for (const exchange of exchanges) {
      if (!connection.isOpen) {
        connection = await open();
        used += 1;
      }
      checkAnswer(await connection.request(exchange.request), exchange);
    }
  } finally {
    connection.destroy();
  }
  return used;
}

/** @throws naming the first thing about an answer that is not as expected. */
export function checkAnswer(response: Omit<Response, 'keepAlive'>, { request, answer }: Exchange): void {
  const wrong = (what: string, expected: unknown, received: unknown): never => {
    const line = request.toString('latin1', 0, request.indexOf('\r\n'));
    throw new Error(`${line}: the ${what} should be ${String(expected)} and is ${String(received)}`);
  };
  const contentType = response.fields.get('content-type');
  const contentLength = response.fields.get('content-length');
  if (response.status !== answer.status) wrong('status', answer.status, response.status);
  if (contentType !== answer.contentType) wrong('Content-Type', answer.contentType, contentType);
  if (answer.hasLength && contentLength !== String(response.body.length)) {
    wrong('Content-Length', response.body.length, contentLength);
  }
  const coding = response.fields.get('content-encoding');
  if (coding !== answer.coding) wrong('Content-Encoding', answer.coding, coding);
  const body = coding === 'gzip' ? gunzipSync(response.body) : response.body;
  if (answer.body && !answer.body.equals(body)) {
    wrong('body', `the ${answer.body.length} expected bytes`, `${body.length} other bytes`);
  }
}
