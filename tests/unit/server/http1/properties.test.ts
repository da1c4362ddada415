import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, readBytewise, readPieces, readWhole, type Reading } from '../../../support/http-events.js';
import { mutate, mutation, stream } from '../../../support/http-generator.js';
import { VALID } from './requests.js';

const SEED = 20_260_102;

/** A reading does not depend on the pieces; but how much of a broken body was handed on before the error does. */
function comparable(reading: Reading): unknown {
  return reading.status === undefined
    ? reading
    : { ...reading, requests: reading.requests.map(({ head }) => head) };
}

describe('the request parser', () => {
  test('throws nothing but RemoteProtocolError on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { status } = readWhole(Buffer.from(bytes));
        expect(status ?? 400).toBeGreaterThanOrEqual(400);
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  test('throws nothing but RemoteProtocolError on bytes of the grammar in any order', () => {
    const parts = fc.constantFrom(
      ...[
        'GET ',
        '/ ',
        'HTTP/1.1',
        '\r\n',
        '\r',
        '\n',
        'Host: a\r\n',
        'Transfer-Encoding: chunked\r\n',
        '1\r\nx\r\n',
        '0\r\n\r\n',
      ],
      ...['Content-Length: 1\r\n', ': ', ';', ' ', '\0', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'x'],
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 20 }), (texts) => {
        const input = texts.join('');
        expect(comparable(readBytewise(input))).toEqual(comparable(readWhole(input)));
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  test('reads the same in whatever pieces the bytes come', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(300), { maxLength: 6 }), (input, offsets) => {
        expect(comparable(readPieces(cut(input, offsets)))).toEqual(comparable(readWhole(input)));
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  test('reads the same of mutated golden requests, byte by byte', () => {
    const inputs = VALID.map(({ input }) => input).filter((input) => input.length < 500);
    fc.assert(
      fc.property(fc.constantFrom(...inputs), fc.array(mutation, { maxLength: 3 }), (golden, mutations) => {
        const input = mutations.reduce(mutate, golden);
        expect(comparable(readBytewise(input))).toEqual(comparable(readWhole(input)));
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});
