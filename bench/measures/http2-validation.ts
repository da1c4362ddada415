/** Is every answer right over HTTP/2 too? Several streams at once on one connection, as under the load. */
import { readFileSync } from 'node:fs';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import type { RunningServer } from '../contenders/contender.js';
import type { Exchange, Workload } from '../workload.js';
import { checkAnswer } from './validation.js';

const STREAMS = 30;
const LIMIT_MS = 10_000;

/** Only what is under load: the other exchanges are those of HTTP/1.1. @throws naming what is not as expected */
export async function validateOverHttp2(
  { port, certificate }: Pick<RunningServer, 'port' | 'certificate'>,
  { load, exchanges }: Workload,
): Promise<void> {
  if (!certificate) throw new Error('HTTP/2 is measured with TLS only');
  const session = connect(`https://localhost:${port}`, {
    host: '127.0.0.1',
    ca: readFileSync(certificate.certificatePath),
    minVersion: 'TLSv1.3',
  });
  const broken = new Promise<never>((_, reject) => {
    session.once('error', reject);
    session.setTimeout(LIMIT_MS, () => reject(new Error(`nothing came for ${LIMIT_MS} ms`)));
  });
  const asked = Array.from({ length: STREAMS }, () => ask(session, load.path, exchanges[0]));
  try {
    await Promise.race([Promise.all(asked), broken]);
  } finally {
    session.destroy();
  }
}

async function ask(session: ClientHttp2Session, path: string, exchange: Exchange): Promise<void> {
  const stream = session.request({ ':path': path });
  const head = new Promise<IncomingHttpHeaders & { ':status'?: number }>((resolve) =>
    stream.once('response', resolve),
  );
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  const { ':status': status = 0, ...fields } = await head;
  const values = Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]);
  checkAnswer({ status, fields: new Map(values), body: Buffer.concat(pieces) }, exchange);
}
