/** A request for the workers, without a client. */
import type { GatewayError } from '../../src/errors.js';
import type { ChunkLease, FileOffer } from '../../src/wire/decoder.js';
import type { Job, JobStream } from '../../src/workers/job.js';

let count = 0;

export interface TestJobOptions {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly arrivedAtMs?: number;
  readonly body?: Job['body'];
}

/** Notes what happens to it, in order: `answer`, `head`, `data:…`, `end`, `fail:status`. */
export class TestJob implements Job {
  place: Job['place'] = undefined;
  readonly id = `job-${++count}`;
  readonly environ: string;
  readonly body: Job['body'];
  readonly safe: boolean;
  readonly arrivedAtMs: number;
  readonly events: string[] = [];
  error: GatewayError | undefined;
  stream: JobStream | undefined;
  /** Resolves when it is over: with its status, as text. */
  readonly over: Promise<string>;
  #settle: (status: string) => void = () => {};

  constructor({ method = 'GET', path = '/', query = '', arrivedAtMs = 0, body = null }: TestJobOptions = {}) {
    this.environ = `REQUEST_METHOD\0${method}\0PATH_INFO\0${path}\0QUERY_STRING\0${query}\0wsgi.url_scheme\0http`;
    this.safe = method === 'GET';
    this.arrivedAtMs = arrivedAtMs;
    this.body = body;
    this.over = new Promise((resolve) => (this.#settle = resolve));
  }

  answer(head: string, _body: Buffer | string, _lease: ChunkLease): void {
    this.events.push('answer');
    this.#settle(head.split('\0')[0]!);
  }
  head(_head: string, stream: JobStream): void {
    this.events.push('head');
    this.stream = stream;
  }
  data(chunk: Buffer, _lease: ChunkLease): void {
    this.events.push(`data:${chunk.length}`);
  }
  file(_offer: FileOffer): void {
    this.events.push('file');
  }
  end(): void {
    this.events.push('end');
    this.#settle('end');
  }
  fail(error: GatewayError): void {
    this.error = error;
    this.events.push(`fail:${error.status}`);
    this.#settle(String(error.status));
  }
}
