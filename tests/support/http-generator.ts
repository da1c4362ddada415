/** Requests for the differential test: a grammar with the usual attacks built in, and mutations. Latin-1 text. */
import * as fc from 'fast-check';

type Text = fc.Arbitrary<string>;

/** The usual text `bias` times as often as all others together, times 3: a stream has some 50 such places, and half of all streams shall be valid. */
function mostly(usual: string | Text, others: readonly string[], bias = 4): Text {
  return fc.oneof(
    { weight: bias * 3, arbitrary: typeof usual === 'string' ? fc.constant(usual) : usual },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

function joined(...parts: readonly Text[]): Text {
  return fc.tuple(...parts).map((texts) => texts.join(''));
}

const lineEnd = mostly(
  '\r\n',
  ['\n', '\r', '\r\r\n', ' \r\n', '\r\n ', '\n\r', '\0\r\n', '\x0b\r\n', '\x85'],
  60,
);

const requestLine = joined(
  mostly('', ['\r\n', '\r\n\r\n', '\n', ' ', '\0'], 25),
  mostly(
    fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'HEAD'),
    ['get', 'G T', 'FOO', '', 'GET\t', 'CONNECT', 'PRI'],
    15,
  ),
  mostly(' ', ['  ', '\t', '', '\xa0'], 40),
  mostly(
    fc.constantFrom('/', '/a?b=c', '//x', '/%41', '*', 'http://b.example/p'),
    [
      '/é',
      '',
      'a',
      '/a b',
      '/#f',
      '/\0',
      '/\x7f',
      'http://',
      'http://a@b/',
      'ftp://b/',
      'http://b:80:80/',
      '/%',
      '/%00',
      '/a\tb',
      'https://B',
      '?x',
      '/|"<>\\^`{}',
    ],
    10,
  ),
  mostly(' ', ['  ', '\t', ''], 40),
  mostly(
    'HTTP/1.1',
    [
      'HTTP/1.0',
      'HTTP/1.2',
      'HTTP/2.0',
      'http/1.1',
      'HTTP/1.1 ',
      'HTTP/11',
      'HTTP/1.01',
      'HTTP /1.1',
      'HTTP/0.9',
      'ICE/1.0',
    ],
    8,
  ),
  lineEnd,
);

const TOKEN = "!#$%&'*+-.^_`|~09azAZ";
const fieldLine = joined(
  mostly(
    fc.string({ unit: fc.constantFrom(...TOKEN), minLength: 1, maxLength: 6 }),
    ['', ' X', 'X ', 'X\t', 'X Y', 'X(', 'X\0', '\xe9', '\tX', 'X\n', '"X"'],
    15,
  ),
  mostly(':', ['', ' :', ': :', '::', ';'], 20),
  mostly(
    fc.string({ unit: fc.constantFrom(...'ab ,;="\t\xe9\xff:'), maxLength: 12 }),
    [
      '\0',
      'a\rb',
      'a\nb',
      'a\r\n b',
      'a\r\n\tb',
      '\x7f',
      '\x01',
      'a\x0bb',
      '\xa0',
      'a\r\nTransfer-Encoding: chunked',
    ],
    15,
  ),
  lineEnd,
);

const connectionLine = joined(
  fc.constantFrom('Connection: ', 'connection:'),
  fc.constantFrom(
    'keep-alive',
    'close',
    'Close',
    'upgrade',
    'x, close',
    'close, keep-alive',
    'keep-alive, upgrade',
    '',
    ',,close',
    'closed',
    'clos e',
    'close;x',
    ' close\t',
    'keep-alive,close\t,',
  ),
  lineEnd,
);

const otherLine = joined(
  fc.constantFrom(
    'Expect: 100-continue',
    'Expect: x',
    'Upgrade: websocket',
    'Upgrade: h2c',
    'Host: b',
    'Trailer: x',
    'TE: trailers',
    'Proxy-Connection: close',
    'Keep-Alive: 5',
  ),
  lineEnd,
);

const hostLine = joined(
  mostly('Host', ['host', 'HOST', 'Host ', 'Hos t'], 15),
  mostly(': ', [':', ':\t', ' :', ': \t'], 10),
  mostly('a.example', ['', 'a:80', '[::1]', 'a b', 'a,b', 'u@a', 'a:x', 'a/b', '\xe9'], 12),
  mostly('', [' ', '\t'], 15),
  lineEnd,
);

/** What a request says of its body, and the body: usually a pair that fits. */
const framing = fc
  .record({
    kind: fc.constantFrom(
      'none',
      'none',
      'none',
      'length',
      'length',
      'length',
      'chunked',
      'chunked',
      'chunked',
      'both',
      'te',
      'odd-length',
    ),
    body: fc.constantFrom(
      '',
      'x',
      'hello',
      'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
      '0\r\n\r\n',
      'a\r\n',
    ),
    chunks: fc.array(fc.constantFrom('x', 'hello', '0\r\n\r\n', '0123456789abcdef'), { maxLength: 3 }),
    size: mostly('', ['0', '00', ' ', '0x', '+', '-', '\t'], 12),
    extension: mostly(
      '',
      [
        ';a',
        ';a=b',
        ';a="b;c"',
        ' ;a',
        '; a=b',
        ';a=b;c',
        ';',
        ' ',
        ';a\n',
        ';a\r',
        ';a="b',
        ';a=\0',
        ';"a"',
        ';a= b',
        ';a="\\""',
        ';\xe9',
      ],
      8,
    ),
    afterSize: lineEnd,
    afterData: mostly('\r\n', ['', '\n', '\r', 'x\r\n', '\r\n\r\n', ' \r\n'], 25),
    last: mostly('0', ['00', '0;a', '0 ', '0x0', '-0', '', '0\t'], 12),
    trailers: mostly(
      '',
      [
        'X: y\r\n',
        'X: y\r\nZ: \xe9\r\n',
        'Content-Length: 5\r\n',
        'Transfer-Encoding: chunked\r\n',
        'Host: b\r\n',
        ' x\r\n',
        'X : y\r\n',
        'X: a\r\n b\r\n',
        'x\r\n',
        'X: y\n',
        'Connection: close\r\n',
      ],
      5,
    ),
    end: lineEnd,
    lengthName: mostly(
      'Content-Length: ',
      ['content-length:', 'Content-Length : ', 'Content-Length:\t', 'Content_Length: ', 'Content-Length\0: '],
      15,
    ),
    lengthValue: fc.constantFrom(
      '+5',
      '-1',
      '0x5',
      '5 ',
      '5,5',
      '5 5',
      '',
      '05',
      '5.',
      '٥'.normalize(),
      '99999999999999999999',
      '5\t',
      '5;',
    ),
    coding: fc.constantFrom(
      'gzip',
      'chunked, chunked',
      'gzip, chunked',
      'identity',
      ' chunked',
      'chunked ',
      'xchunked',
      '"chunked"',
      'chunked,',
      '\x0bchunked',
      'chunked\r\nTransfer-Encoding: identity',
      'CHUNKED',
      'chun\tked',
      'identity\r\nTransfer-Encoding: chunked',
      'chunked\r\n , x',
      'chunked;q=1',
      '',
    ),
    codingName: mostly(
      'Transfer-Encoding: ',
      [
        'transfer-encoding:',
        'Transfer-Encoding : ',
        'Transfer-Encoding:\t',
        ' Transfer-Encoding: ',
        'Transfer_Encoding: ',
        'Transfer-Encoding\r\n: ',
      ],
      15,
    ),
    error: mostly('0', ['-1', '1'], 10),
  })
  .map((made) => {
    const length = `${made.lengthName}${Math.max(0, Buffer.byteLength(made.body, 'latin1') + Number(made.error))}\r\n`;
    const stream =
      made.chunks
        .map(
          (chunk) =>
            `${made.size}${chunk.length.toString(16)}${made.extension}${made.afterSize}${chunk}${made.afterData}`,
        )
        .join('') + `${made.last}${made.afterSize}${made.trailers}${made.end}`;
    const coding = `${made.codingName}chunked\r\n`;
    switch (made.kind) {
      case 'length':
        return { fields: length, body: made.body };
      case 'chunked':
        return { fields: coding, body: stream };
      case 'both':
        return { fields: made.error === '1' ? length + coding : coding + length, body: stream };
      case 'te':
        return { fields: `${made.codingName}${made.coding}\r\n`, body: stream };
      case 'odd-length':
        return { fields: `${made.lengthName}${made.lengthValue}\r\n`, body: made.body };
      default:
        return { fields: '', body: made.error === '0' ? '' : made.body };
    }
  });

const request: Text = fc
  .record({
    line: requestLine,
    host: mostly(hostLine, ['', 'Host: a\r\nHost: a\r\n'], 25),
    before: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fieldLine },
        { weight: 2, arbitrary: connectionLine },
        { weight: 1, arbitrary: otherLine },
      ),
      { maxLength: 2 },
    ),
    framing,
    after: fc.oneof(
      { weight: 6, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fieldLine },
      { weight: 1, arbitrary: otherLine },
    ),
    end: lineEnd,
  })
  .map(
    ({ line, host, before, framing: { fields, body }, after, end }) =>
      line + host + before.join('') + fields + after + end + body,
  );

const MUTATION_BYTES = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  '\0',
  ',',
  ';',
  '0',
  '1',
  'x',
  '\xff',
  '\x7f',
  '"',
  '/',
  '\r\n\r\n',
  'chunked',
];

interface Mutation {
  readonly kind: 'insert' | 'delete' | 'replace' | 'repeat' | 'case';
  readonly at: number;
  readonly length: number;
  readonly bytes: string;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('insert', 'delete', 'replace', 'repeat', 'case'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 24 }),
  bytes: fc.constantFrom(...MUTATION_BYTES),
});

export function mutate(text: string, { kind, at, length, bytes }: Mutation): string {
  const start = Math.floor(at * text.length);
  const [head, tail] = [text.slice(0, start), text.slice(start)];
  switch (kind) {
    case 'insert':
      return head + bytes + tail;
    case 'delete':
      return head + tail.slice(Math.ceil(length / 12));
    case 'replace':
      return head + bytes + tail.slice(bytes.length);
    case 'repeat':
      return head + tail.slice(0, length) + tail;
    case 'case':
      return head + tail.slice(0, length).toUpperCase() + tail.slice(length);
  }
}

/** One to three requests on one connection, as they are or mutated. */
export const stream: Text = fc
  .record({
    requests: fc.array(request, { minLength: 1, maxLength: 3 }),
    mutations: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Mutation[]>([]) },
      { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 2 }) },
    ),
  })
  // 'é' and the Arabic digit come out as the latin-1 of their UTF-8, as a client would send them.
  .map(({ requests, mutations }) =>
    mutations.reduce(
      mutate,
      requests.join('').replace(/[\u0100-\uffff]/g, (c) => Buffer.from(c).toString('latin1')),
    ),
  );
