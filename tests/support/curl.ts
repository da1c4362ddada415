/** curl, as a person uses it. */
import { run } from './process.js';

export interface CurlAnswer {
  /** Of curl: 0, or why there is no answer. */
  readonly code: number | null;
  readonly status: number;
  /** `1.1`, or `2`. */
  readonly httpVersion: string;
  /** All heads as received, with CR LF. */
  readonly head: string;
  readonly body: string;
  readonly stderr: string;
}

const MARK = '\n--curl--';

/** Does not reject for an exit status. */
export async function curl(...args: readonly string[]): Promise<CurlAnswer> {
  const format = `${MARK}%{http_code} %{http_version}`;
  const { stdout, stderr, code } = await run('curl', ['-sS', '-m', '15', '-D', '-', '-w', format, ...args]);
  const mark = stdout.lastIndexOf(MARK);
  const [status = '0', httpVersion = ''] = stdout.slice(mark + MARK.length).split(' ');
  const received = stdout.slice(0, mark);
  const headEnd = headEndOf(received);
  return {
    code,
    status: Number(status),
    httpVersion,
    head: received.slice(0, headEnd),
    body: received.slice(headEnd),
    stderr,
  };
}

/** Behind the last head: interim responses have one each. */
function headEndOf(received: string): number {
  let end = 0;
  while (received.startsWith('HTTP/', end)) {
    const next = received.indexOf('\r\n\r\n', end);
    if (next === -1) break;
    end = next + 4;
  }
  return end;
}
