import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LocalProtocolError } from '../../../src/errors.js';
import { ResponseHead } from '../../../src/http/response-head.js';
import { serializeHead } from '../../../src/server/http1/response-serializer.js';

describe('ResponseHead', () => {
  test('finds what the server needs to know', () => {
    const head = new ResponseHead(
      200,
      ['content-length', '12', 'DATE', 'x', 'Server', 'y', 'X', '1', 'x', '2'],
      'Yes',
    );
    expect(head).toMatchObject({
      status: 200,
      reason: 'Yes',
      contentLength: 12,
      hasDate: true,
      hasServer: true,
    });
    expect(head.field('x')).toBe('1');
    expect(head.field('y')).toBeUndefined();
    expect(new ResponseHead(200)).toMatchObject({
      contentLength: -1,
      hasDate: false,
      hasServer: false,
      fields: [],
    });
  });

  test.each([99, 600, 0, -200, 200.5, Number.NaN, Infinity])('status %d is refused', (status) => {
    expect(() => new ResponseHead(status)).toThrow(LocalProtocolError);
  });

  test.each<[string, readonly string[]]>([
    ['CR LF in a value', ['X', 'a\r\nSet-Cookie: b']],
    ['CR in a value', ['X', 'a\rb']],
    ['LF in a value', ['X', 'a\nb']],
    ['NUL in a value', ['X', 'a\0b']],
    ['DEL in a value', ['X', 'a\x7f']],
    ['a character beyond latin-1', ['X', 'a\u010d']],
    ['a character whose low byte is LF', ['X', 'a\u010ab']],
    ['CR LF in a name', ['X\r\nY', 'a']],
    ['an empty name', ['', 'a']],
    ['a space in a name', ['X Y', 'a']],
    ['a colon in a name', ['X:', 'a']],
    ['a name without a value', ['X']],
    ['Content-Length twice', ['Content-Length', '1', 'content-length', '1']],
    ['a signed Content-Length', ['Content-Length', '+1']],
    ['an empty Content-Length', ['Content-Length', '']],
    ['an endless Content-Length', ['Content-Length', '9'.repeat(16)]],
    ['Transfer-Encoding', ['transfer-encoding', 'chunked']],
    ['Connection', ['Connection', 'close']],
    ['Keep-Alive', ['Keep-Alive', 'timeout=5']],
    ['Upgrade without 101', ['Upgrade', 'h2c']],
    ['Trailer', ['Trailer', 'x']],
  ])('%s is refused', (_name, fields) => {
    expect(() => new ResponseHead(200, fields)).toThrow(LocalProtocolError);
  });

  test.each([100, 103, 101, 204])('Content-Length with status %d is refused', (status) => {
    expect(() => new ResponseHead(status, ['Content-Length', '0'])).toThrow(LocalProtocolError);
  });

  test('a control character in the reason phrase is refused', () => {
    expect(() => new ResponseHead(200, [], 'OK\r\nX: y')).toThrow(LocalProtocolError);
  });

  test('101 has Upgrade, 304 and 205 may have Content-Length', () => {
    expect(new ResponseHead(101, ['Upgrade', 'websocket']).field('upgrade')).toBe('websocket');
    expect(new ResponseHead(304, ['Content-Length', '5']).contentLength).toBe(5);
    expect(new ResponseHead(205, ['Content-Length', '0']).contentLength).toBe(0);
  });

  test('no text whatever gets a line end into a head', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        try {
          const head = new ResponseHead(200, [name, value]);
          expect(`${head.fields[0]}${head.fields[1]}`).not.toMatch(/[\r\n\0]/);
        } catch (error) {
          expect(error).toBeInstanceOf(LocalProtocolError);
        }
      }),
      { seed: 20_260_104, numRuns: 2000 },
    );
  });
});

describe('withField: one field more', () => {
  const base = new ResponseHead(201, ['X-A', 'a', 'Content-Length', '3'], 'Made');

  test('is the same head otherwise', () => {
    const { status, reason, fields, contentLength } = base.withField('X-B', 'b');
    expect([status, reason, fields, contentLength]).toEqual([
      ...[201, 'Made', ['X-A', 'a', 'Content-Length', '3', 'X-B', 'b'], 3],
    ]);
  });

  test('in the place of those of its name', () => {
    const twice = new ResponseHead(200, ['X-A', '1', 'x-a', '2', 'X-B', 'b']);
    expect(twice.withField('X-a', '3').fields).toEqual(['X-B', 'b', 'X-a', '3']);
    expect(base.withField('X-B', '1').withField('x-b', '2').fields.slice(-2)).toEqual(['x-b', '2']);
  });

  test('those that a head knows are known', () => {
    expect(base.withField('Content-Length', '5').contentLength).toBe(5);
    expect(base.withField('Date', 'now').hasDate).toBe(true);
    expect(base.withField('server', 'x').hasServer).toBe(true);
  });

  test('on the wire, whatever was serialized before', () => {
    const options = { framing: 'length', addLength: -1, keepAlive: true, http10: false, hsts: '' } as const;
    const text = (head: ResponseHead): string => serializeHead(head, options).replace(/Date: .*\r\n/, '');
    const two = base.withField('X-B', 'b').withField('X-C', 'c');
    expect(text(two)).toBe(
      'HTTP/1.1 201 Made\r\nX-A: a\r\nContent-Length: 3\r\nServer: xgi\r\nX-B: b\r\nX-C: c\r\n\r\n',
    );
    expect(text(base)).toBe('HTTP/1.1 201 Made\r\nX-A: a\r\nContent-Length: 3\r\nServer: xgi\r\n\r\n');
  });

  test.each([
    ['X B', 'b'],
    ['X-B', 'b\r\nX-C: c'],
    ['Connection', 'close'],
    ['Content-Length', 'x'],
  ])('%s: %j is refused', (name, value) => {
    expect(() => base.withField(name, value)).toThrow('cannot send this response head');
  });
});
