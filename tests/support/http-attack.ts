/** Sends hostile bytes to a real server and tells what came of them. */
import { expect } from 'vitest';
import type { Handler } from '../../src/types.js';
import { RawClient } from './http-client.js';
import { echo, startServer, type StartOptions } from './http-server.js';

export interface Outcome {
  /** The statuses of all responses, in order. */
  readonly statuses: number[];
  /** Everything the server said. */
  readonly text: string;
  /** Method and target of each request that reached the handler. */
  readonly seen: string[];
}

/** The server has to close the connection by itself. */
export async function attack(
  text: string,
  options: StartOptions & { handler?: Handler } = {},
): Promise<Outcome> {
  const { port, seen } = await startServer(options.handler ?? echo, options);
  const client = await RawClient.connect(port);
  client.send(text);
  const received = await client.rest();
  client.socket.destroy();
  return { statuses: statusesOf(received), text: received, seen };
}

/** The input is answered by one response of that status and a closed connection; no request but `handled` reached the handler. */
export async function expectRefused(
  text: string,
  {
    status = 400,
    handled = [] as string[],
    ...options
  }: { status?: number; handled?: string[] } & StartOptions & { handler?: Handler } = {},
): Promise<void> {
  const outcome = await attack(text, options);
  expect(outcome.statuses).toEqual([status]);
  expect(outcome.text.toLowerCase()).toContain('\r\nconnection: close\r\n');
  expect(outcome.seen).toEqual(handled);
}

export function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) [A-Z]/g)].map((match) => Number(match[1]));
}
