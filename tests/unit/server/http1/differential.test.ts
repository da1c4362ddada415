/**
 * The same bytes to our parser and to node:http's. Where ours accepts, node's has to read the same: method, target,
 * version, fields, body, number of requests. Ours may refuse what node accepts. What ours accepts and node refuses is in
 * the list of exceptions, each with its reason.
 *
 * Two parsers that read one stream differently are what request smuggling is made of, and node's is the one that most
 * often stands behind or before us.
 */
import * as fc from 'fast-check';
import { METHODS } from 'node:http';
import { expect, test } from 'vitest';
import { readWhole, type Reading, type ReadRequest } from '../../../support/http-events.js';
import { mutate, mutation, stream } from '../../../support/http-generator.js';
import {
  ReferenceServer,
  type ReferenceReading,
  type ReferenceRequest,
} from '../../../support/http-reference.js';
import { INVALID, VALID } from './requests.js';

const SEED = 20_260_101;
const reference = new ReferenceServer();

/** The bytes of one request, as they came. */
interface RequestBytes {
  readonly head: string;
  /** With its coding; of a request that is not complete, everything that is there. */
  readonly body: string;
}

/**
 * What ours accepts and node:http refuses on purpose. `applies` sees the request that node has refused, and its bytes alone;
 * `before` is the request before it. Where node accepts, nothing is excused.
 */
const EXCEPTIONS: readonly {
  readonly reason: string;
  readonly applies: (request: ReadRequest, bytes: RequestBytes, before: RequestBytes | undefined) => boolean;
}[] = [
  {
    reason:
      'RFC 9110 section 9.1: methods are an open set; WSGI and CGI programs answer 405 or 501 themselves. node knows a list.',
    applies: ({ head }) => !METHODS.includes(head.method),
  },
  {
    reason:
      'RFC 9112 section 2.3, RFC 9110 section 2.5: a later minor version of HTTP/1 is read as 1.1. node knows 1.0 and 1.1.',
    applies: (_request, { head }) => /^(?:\r\n)?[^\r\n]*HTTP\/1\.[2-9]\r\n/.test(head),
  },
  {
    reason:
      'Bytes above 0x7f in the target: browsers and curl send raw UTF-8, and each is one byte for every reader.',
    applies: ({ head }) => /[\x80-\xff]/.test(head.target),
  },
  {
    reason:
      'RFC 9112 section 7.1.1: white space around the ; and = of a chunk extension is to be parsed (BWS). node refuses it.',
    applies: ({ head }, { body }) =>
      head.contentLength === -1 && /(?:^|\r\n)[0-9a-f]+[^\r\n"]*(?:[ \t][;=]|[;=][ \t])/i.test(body),
  },
  {
    reason:
      'RFC 9110 section 5.5: optional white space behind a value is SP or HTAB. node takes only SP behind Content-Length.',
    applies: (_request, { head }) => /^content-length:[ \t]*[0-9]+ *\t[ \t]*\r$/im.test(head),
  },
  {
    reason:
      'RFC 9112 appendix C.2.2: Proxy-Connection means nothing to a server. node closes the connection for it.',
    applies: (_request, _bytes, before) => before !== undefined && /^proxy-connection:/im.test(before.head),
  },
];

class Counts {
  cases = 0;
  same = 0;
  stricter = 0;
}

/** @returns what is wrong, or undefined */
function difference(
  input: string,
  ours: Reading,
  theirs: ReferenceReading,
  counts: Counts,
): string | undefined {
  counts.cases++;
  for (const [i, request] of ours.requests.entries()) {
    const other = theirs.requests[i];
    if (other !== undefined && !sameHead(request, other)) return unlike(i, request, other, theirs.error);
    const agreed =
      other !== undefined && (!request.complete || (other.complete && other.body === request.body));
    if (!agreed) {
      const refused = theirs.error !== undefined && other?.complete !== true;
      return refused && isException(input, ours.requests, i)
        ? undefined
        : unlike(i, request, other, theirs.error);
    }
    // We read nothing after a request that closes the connection; node nothing after one that offers another protocol.
    if (!request.head.keepAlive || request.head.upgrade) {
      counts.same++;
      return undefined;
    }
  }
  if (ours.status !== undefined) {
    counts.stricter += theirs.error === undefined ? 1 : 0;
    return undefined;
  }
  counts.same++;
  if (theirs.requests.length > ours.requests.length) {
    return `ours waits for more, node's reads ${JSON.stringify(theirs.requests[ours.requests.length])}`;
  }
  const last = ours.requests.at(-1);
  if (last !== undefined && !last.complete && theirs.requests.at(-1)!.complete)
    return 'ours waits for more body, node does not';
  // Inside a head or a chunk-size line ours has accepted nothing yet.
  const undecided =
    ours.unread > 0 || (last !== undefined && !last.complete && last.head.contentLength === -1);
  return theirs.error === undefined || undecided
    ? undefined
    : `ours waits for more, node refuses: ${theirs.error}`;
}

function isException(input: string, requests: readonly ReadRequest[], i: number): boolean {
  const bytesOf = ({ start, bodyStart, end }: ReadRequest): RequestBytes => ({
    head: input.slice(start, bodyStart),
    body: input.slice(bodyStart, end),
  });
  const before = i === 0 ? undefined : bytesOf(requests[i - 1]!);
  return EXCEPTIONS.some(({ applies }) => applies(requests[i]!, bytesOf(requests[i]!), before));
}

function unlike(
  i: number,
  request: ReadRequest,
  other: ReferenceRequest | undefined,
  error: string | undefined,
): string {
  return `request ${i}: ours is ${JSON.stringify(request)}\nnode's is ${JSON.stringify(other)} (error: ${error})`;
}

function sameHead({ head }: ReadRequest, other: ReferenceRequest): boolean {
  return (
    head.method === other.method &&
    head.target === other.target &&
    head.httpVersion === other.httpVersion &&
    JSON.stringify(head.fields) === JSON.stringify(ourFields(head.target, other.fields))
  );
}

/** RFC 9112 section 3.2.2: ours replaces Host by the authority of an absolute-form target. */
function ourFields(target: string, fields: readonly string[]): readonly string[] {
  const authority = /^https?:\/\/([^/?]+)/i.exec(target)?.[1];
  if (authority === undefined) return fields;
  return fields.map((text, i) => (i % 2 === 1 && fields[i - 1]!.toLowerCase() === 'host' ? authority : text));
}

async function compare(input: string, counts: Counts): Promise<void> {
  const theirs = await reference.read(Buffer.from(input, 'latin1'));
  const found = difference(input, readWhole(input), theirs, counts);
  if (found !== undefined) throw new Error(`${JSON.stringify(input)}\n${found}`);
}

/** Not everything was refused by both. */
function hasCompared(counts: Counts, least: Counts): void {
  expect(counts.cases).toBeGreaterThanOrEqual(least.cases);
  expect(counts.same).toBeGreaterThanOrEqual(least.same);
  expect(counts.stricter).toBeGreaterThanOrEqual(least.stricter);
}

test('golden requests', async () => {
  const counts = new Counts();
  const wrong: unknown[] = [];
  for (const { input } of [...VALID, ...INVALID])
    await compare(input, counts).catch((error: unknown) => wrong.push(error));
  expect(wrong).toEqual([]);
  hasCompared(counts, { cases: VALID.length + INVALID.length, same: 50, stricter: 50 });
});

test('golden requests, mutated', async () => {
  const counts = new Counts();
  const golden = [...VALID, ...INVALID].map(({ input }) => input).filter((input) => input.length < 1000);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...golden),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      (input, mutations) => compare(mutations.reduce(mutate, input), counts),
    ),
    { seed: SEED, numRuns: 4000 },
  );
  hasCompared(counts, { cases: 4000, same: 50, stricter: 100 });
});

test('generated requests', async () => {
  const counts = new Counts();
  await fc.assert(
    fc.asyncProperty(stream, (input) => compare(input, counts)),
    { seed: SEED, numRuns: 10_000 },
  );
  hasCompared(counts, { cases: 10_000, same: 2000, stricter: 500 });
});
