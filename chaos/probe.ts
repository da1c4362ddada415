/** One request apart from all load: who serves now, and with which code? */
import { ClientConnection } from '../bench/http/client-connection.js';
import { QUICK } from './load/plan.js';
import { checkAnswer, makeRequest, type Origin } from './load/request.js';

let probes = 0;

/** @throws unless the answer is right and has status 200 */
export async function probe(port: number): Promise<Origin> {
  const request = makeRequest(QUICK, `probe-${++probes}`, true);
  const connection = await ClientConnection.open(port);
  try {
    const { status, body, keepAlive } = await connection.request(Buffer.from(request.head, 'latin1'));
    if (status !== 200) throw new Error(`the answer has status ${status}`);
    return checkAnswer({ status, body, keepAlive }, request);
  } finally {
    connection.destroy();
  }
}
