/** Asks two servers the same, and says where their answers differ. */
import { createHash } from 'node:crypto';
import { request, type RawAnswer } from '../wsgi-client.js';
import type { Case } from './cases.js';

export interface Difference {
  readonly asked: Case;
  /** `status`, a field in lower case, or `body`. */
  readonly about: string;
  /** 'none' for a field that is not there. */
  readonly nginx: string;
  readonly xgi: string;
  /** Of both; undefined if it is the status that differs. */
  readonly status: number | undefined;
}

const FIELDS = [
  ...['content-type', 'content-length', 'content-range', 'content-encoding', 'accept-ranges'],
  ...['etag', 'last-modified', 'vary', 'location', 'allow', 'cache-control'],
];
const AT_ONCE = 8;

export class Asked {
  readonly #port: number;
  /** By target and Accept-Encoding. */
  readonly #tags = new Map<string, Promise<string>>();

  constructor(port: number) {
    this.#port = port;
  }

  /** What the answer comes down to: what a client can see, without what is a server's own choice. */
  async answer({ method, target, fields }: Case): Promise<ReadonlyMap<string, string>> {
    const headers = await Promise.all(fields.map((line) => this.#fill(line, target)));
    return essence(await request(this.#port, target, { method, headers }), method);
  }

  async #fill(line: string, target: string): Promise<string> {
    const stand = /\{(?:etag|weak|gzip)\}/.exec(line)?.[0];
    if (stand === undefined) return line;
    const tag = await this.#tagOf(target, stand === '{gzip}' ? ['Accept-Encoding: gzip'] : []);
    return line.replace(stand, stand === '{weak}' ? `W/${tag}` : tag);
  }

  #tagOf(target: string, headers: readonly string[]): Promise<string> {
    const key = [target, ...headers].join('\n');
    const known = this.#tags.get(key);
    if (known !== undefined) return known;
    const asked = request(this.#port, target, { headers }).then(
      ({ headers: got }) => got.get('etag') ?? '"none"',
    );
    this.#tags.set(key, asked);
    return asked;
  }
}

export async function compareAll(
  cases: readonly Case[],
  nginxPort: number,
  xgiPort: number,
): Promise<Difference[]> {
  const nginx = new Asked(nginxPort);
  const xgi = new Asked(xgiPort);
  const found: Difference[][] = [];
  let next = 0;
  const askOneByOne = async (): Promise<void> => {
    while (next < cases.length) {
      const at = next++;
      const asked = cases[at]!;
      const [theirs, ours] = await Promise.all([nginx.answer(asked), xgi.answer(asked)]);
      found[at] = compare(asked, theirs, ours);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOneByOne));
  return found.flat();
}

/** If the status differs, all else does, and says nothing more. */
function compare(
  asked: Case,
  nginx: ReadonlyMap<string, string>,
  xgi: ReadonlyMap<string, string>,
): Difference[] {
  const differing = [...new Set([...nginx.keys(), ...xgi.keys()])].filter(
    (about) => nginx.get(about) !== xgi.get(about),
  );
  const isStatus = differing[0] === 'status';
  return (isStatus ? ['status'] : differing).map((about) => ({
    asked,
    about,
    nginx: nginx.get(about) ?? 'none',
    xgi: xgi.get(about) ?? 'none',
    status: isStatus ? undefined : Number(xgi.get('status')),
  }));
}

export function describeDifference({ asked, about, nginx, xgi }: Difference): string {
  const { method, target, fields } = asked;
  const text = [`${method} ${target}`, ...fields].join(' | ');
  return `${text}: ${about} of nginx ${nginx}, of xgi ${xgi}`;
}

function essence(answer: RawAnswer, method: string): ReadonlyMap<string, string> {
  const { status, headers, body, complete } = answer;
  const seen = new Map([['status', String(status)]]);
  const isMultipart = headers.get('content-type')?.startsWith('multipart/byteranges') === true;
  for (const name of FIELDS) seen.set(name, headers.get(name) ?? 'none');
  seen.set('etag', kindOfTag(headers.get('etag')));
  if (status >= 400) {
    // The words of an error are a server's own.
    for (const name of ['content-type', 'content-length', 'body']) seen.set(name, 'of an error');
  } else if (isMultipart) {
    seen.set('content-type', 'multipart/byteranges');
    seen.set('content-length', complete ? 'of several parts' : 'wrong');
    seen.set('body', partsOf(answer));
  } else if (method !== 'HEAD' && status !== 301) seen.set('body', complete ? hash(body) : 'cut off');
  if (status === 301) seen.set('content-type', 'of a redirect').set('content-length', 'of a redirect');
  return seen;
}

function kindOfTag(tag: string | undefined): string {
  if (tag === undefined) return 'none';
  return tag.startsWith('W/') ? 'weak' : 'strong';
}

/** Each part: its fields and its bytes. */
function partsOf({ headers, body }: RawAnswer): string {
  const boundary = /boundary=(?<boundary>\S+)/.exec(headers.get('content-type')!)!.groups!['boundary']!;
  const parts = `\r\n${body.toString('latin1').replace(/^\r\n/, '')}`.split(`\r\n--${boundary}`);
  const last = parts.pop();
  if (last !== '--\r\n') return `ends with ${JSON.stringify(last)}`;
  return parts
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\r\n\r\n');
      return `${part.slice(2, end).toLowerCase().split('\r\n').toSorted().join('; ')} ${hash(Buffer.from(part.slice(end + 4), 'latin1'))}`;
    })
    .join(' + ');
}

function hash(bytes: Buffer): string {
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`;
}
