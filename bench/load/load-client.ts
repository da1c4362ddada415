/** What makes a load: a program that sends requests for a time, and a check of the answers in the same protocol. */
import type { RunningServer } from '../contenders/contender.js';
import type { Workload } from '../workload.js';

/** What of a server matters here. */
export type LoadedServer = Pick<RunningServer, 'port' | 'certificate' | 'cpuMicroseconds'>;

export interface LoadClient {
  /** @throws naming the first answer that is not the expected one. */
  validate(server: LoadedServer, workload: Workload): Promise<void>;
  /** One round. @throws when the program fails, or fewer bytes came than the counted answers have. */
  load(server: LoadedServer, workload: Workload, shape: LoadShape): Promise<Round>;
}

export interface LoadShape {
  readonly connections: number;
  readonly seconds: number;
}

export interface Round {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** All processes of the server; NaN if it cannot be told. */
  readonly cpuMicrosecondsPerRequest: number;
  /** NaN if the program does not tell. */
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  /** Answers with a status of 400 and more. */
  readonly statusErrors: number;
  /** Connections that could not be made, read or written. */
  readonly socketErrors: number;
  /** Requests that waited for two seconds (wrk's limit). */
  readonly timeouts: number;
}

/** @throws when fewer bytes came than so many answers have. */
export function requireBytes(
  { load }: Workload,
  { answers, bytes }: { readonly answers: number; readonly bytes: number },
): void {
  const expected = answers * load.answerBytes;
  if (bytes < expected) throw new Error(`${answers} answers had ${bytes} bytes and not ${expected}`);
}
