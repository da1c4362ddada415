/** Each check of Python's wsgiref.validate, for TypeScript: one violation each, and that a correct pair has none. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { validator } from '../../../../src/handlers/app/wsgi-validator.js';
import { BodyInput } from '../../../../src/handlers/app/wsgi-input.js';
import { LineErrors } from '../../../../src/handlers/app/wsgi-errors.js';
import { givenBody } from '../../../../src/bodies/request-bytes.js';
import type { Environ, StartResponse, WsgiApplication } from '../../../../src/handlers/app/wsgi-types.js';

const TEXT: [string, string][] = [['Content-Type', 'text/plain']];

function createEnviron(changes: Record<string, unknown> = {}): Environ {
  const environ: Record<string, unknown> = {
    REQUEST_METHOD: 'GET',
    SCRIPT_NAME: '',
    PATH_INFO: '/',
    QUERY_STRING: '',
    SERVER_NAME: 'localhost',
    SERVER_PORT: '80',
    SERVER_PROTOCOL: 'HTTP/1.1',
    'wsgi.version': [1, 0],
    'wsgi.url_scheme': 'http',
    'wsgi.input': new BodyInput(givenBody(Buffer.from('a\nb'))),
    'wsgi.errors': new LineErrors(() => {}),
    'wsgi.multithread': false,
    'wsgi.multiprocess': false,
    'wsgi.run_once': false,
    ...changes,
  };
  for (const [name, value] of Object.entries(changes)) if (value === undefined) delete environ[name];
  return environ as Environ;
}

const HELLO: WsgiApplication = (_environ, startResponse) => {
  startResponse('200 OK', TEXT);
  return [Buffer.from('hello')];
};

/** Runs it as a server does. @returns the violation that is found, '' for none; and warnings */
async function run(
  application: WsgiApplication,
  environ: Environ = createEnviron(),
): Promise<{ violation: string; warnings: string[] }> {
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  try {
    const start: StartResponse = () => () => Promise.resolve();
    const body = await validator(application, { warn })(environ, start);
    try {
      for await (const chunk of body) expect(chunk).toBeInstanceOf(Uint8Array);
    } finally {
      await body.close?.();
    }
    return { violation: '', warnings };
  } catch (error) {
    expect(error).toMatchObject({ code: 'XGI_WSGI_INVALID' });
    return { violation: (error as Error).message, warnings };
  }
}

test('a correct server and a correct application', async () => {
  expect(await run(HELLO)).toEqual({ violation: '', warnings: [] });
});

describe('the server', () => {
  class Special {
    own = '';
  }
  const input = (changes: object): object => Object.assign(new BodyInput(null), changes);
  test.each<[string, Record<string, unknown>, string]>([
    ...[
      'REQUEST_METHOD',
      'SERVER_NAME',
      'SERVER_PORT',
      'wsgi.version',
      'wsgi.input',
      'wsgi.errors',
      'wsgi.multithread',
      'wsgi.multiprocess',
      'wsgi.run_once',
    ].map((name): [string, Record<string, unknown>, string] => [
      `no ${name}`,
      { [name]: undefined },
      `the environ has no ${name}`,
    ]),
    ['HTTP_CONTENT_TYPE', { HTTP_CONTENT_TYPE: 'a' }, 'its name is CONTENT_TYPE'],
    ['HTTP_CONTENT_LENGTH', { HTTP_CONTENT_LENGTH: '1' }, 'its name is CONTENT_LENGTH'],
    ['a number', { SERVER_PORT: 80 }, 'the variable SERVER_PORT is a string; received 80'],
    ['a version of text', { 'wsgi.version': '1.0' }, 'wsgi.version is two numbers'],
    ['a scheme', { 'wsgi.url_scheme': 'ftp' }, 'wsgi.url_scheme is http or https'],
    ['no scheme', { 'wsgi.url_scheme': undefined }, 'wsgi.url_scheme is http or https'],
    ['input without read', { 'wsgi.input': input({ read: undefined }) }, 'wsgi.input has no method read;'],
    ['input without readline', { 'wsgi.input': input({ readline: undefined }) }, 'no method readline;'],
    ['input without readlines', { 'wsgi.input': input({ readlines: undefined }) }, 'no method readlines;'],
    ['input without an iterator', { 'wsgi.input': input({ [Symbol.asyncIterator]: 0 }) }, 'asyncIterator'],
    ['errors without write', { 'wsgi.errors': { flush() {}, writelines() {} } }, 'no method write;'],
    ['errors without flush', { 'wsgi.errors': { write() {}, writelines() {} } }, 'no method flush;'],
    ['errors without writelines', { 'wsgi.errors': { write() {}, flush() {} } }, 'no method writelines;'],
    ['SCRIPT_NAME', { SCRIPT_NAME: 'a' }, 'SCRIPT_NAME is empty or begins with /'],
    ['PATH_INFO', { PATH_INFO: 'a' }, 'PATH_INFO is empty or begins with /'],
    ['SCRIPT_NAME of the root', { SCRIPT_NAME: '/' }, 'SCRIPT_NAME is "/"'],
    ['no path', { SCRIPT_NAME: undefined, PATH_INFO: undefined }, 'neither SCRIPT_NAME nor PATH_INFO'],
    ['CONTENT_LENGTH', { CONTENT_LENGTH: '-1' }, 'CONTENT_LENGTH is digits'],
    ['CONTENT_LENGTH of words', { CONTENT_LENGTH: 'many' }, 'CONTENT_LENGTH is digits'],
  ])('%s', async (_what, changes, message) => {
    expect((await run(HELLO, createEnviron(changes))).violation).toContain(message);
  });

  test('an environ of a class', async () => {
    const environ = Object.assign(new Special(), createEnviron()) as unknown as Environ;
    expect((await run(HELLO, environ)).violation).toContain('a plain object; received an object of Special');
  });

  test.each<[Record<string, unknown>, string]>([
    [{ QUERY_STRING: undefined }, 'no QUERY_STRING'],
    [{ REQUEST_METHOD: 'BREW' }, 'the method "BREW" is not known'],
  ])('is warned of %o', async (changes, message) => {
    const { violation, warnings } = await run(HELLO, createEnviron(changes));
    expect(violation).toBe('');
    expect(warnings).toEqual([expect.stringContaining(message)]);
  });

  test.each<[string, object, (input: Environ['wsgi.input']) => unknown, string]>([
    ['read', { read: () => 'text' }, (from) => from.read(1), 'read gives a Uint8Array; it gave "text"'],
    ['readline', { readline: () => 'text' }, (from) => from.readline(), 'readline gives a Uint8Array'],
    ['readlines', { readlines: () => 'text' }, (from) => from.readlines(), 'readlines gives an array'],
    [
      'each of readlines',
      { readlines: () => ['text'] },
      (from) => from.readlines(),
      'readlines gives a Uint8Array',
    ],
  ])('gives text by %s', async (_method, changes, read, message) => {
    const application: WsgiApplication = async (environ, start) => {
      await read(environ['wsgi.input']);
      return await HELLO(environ, start);
    };
    const { violation } = await run(application, createEnviron({ 'wsgi.input': input(changes) }));
    expect(violation).toContain(message);
  });

  test('calls with one argument, or three', () => {
    const loose = validator(HELLO) as (...args: unknown[]) => unknown;
    expect(() => loose(createEnviron())).toThrow('two arguments');
    expect(() => loose(createEnviron(), () => {}, 3)).toThrow('two arguments');
  });

  test('reads a body after it was closed', async () => {
    const body = await validator(HELLO)(createEnviron(), () => () => Promise.resolve());
    await body.close?.();
    await expect((body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().next()).rejects.toThrow(
      'after it was closed',
    );
  });

  test('does not close a body', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const warnings: string[] = [];
    await (async () => {
      await validator(HELLO, { warn: (message) => warnings.push(message) })(
        createEnviron(),
        () => () => Promise.resolve(),
      );
    })();
    await expect
      .poll(() => (collect(), warnings))
      .toEqual([expect.stringContaining('collected without having been closed')]);
  });
});

describe('the application', () => {
  const start =
    (...args: unknown[]): WsgiApplication =>
    (_environ, startResponse) => {
      (startResponse as (...args: unknown[]) => unknown)(...args);
      return [];
    };
  test.each<[string, WsgiApplication, string]>([
    ['one argument', start('200 OK'), 'two or three arguments; received 1'],
    ['four arguments', start('200 OK', TEXT, null, 4), 'two or three arguments; received 4'],
    ['a status of numbers', start(200, TEXT), 'the status is a string'],
    ['a short status', start('20 OK', TEXT), 'three digits'],
    ['a status of letters', start('abc OK', TEXT), 'begins with a number'],
    ['a small status', start('099 OK', TEXT), '100 or more'],
    ['headers of an object', start('200 OK', { a: 'b' }), 'the headers are an array'],
    ['a header of text', start('200 OK', ['ab']), 'a header is an array'],
    ['a header of three', start('200 OK', [['a', 'b', 'c']]), 'a header has a name and a value'],
    ['a name of a number', start('200 OK', [[1, 'b']]), 'the name of a header is a string'],
    ['a value of a number', start('200 OK', [['a', 1]]), 'the value of a is a string'],
    ['Status', start('200 OK', [['Status', '200']]), 'Status is for CGI'],
    ['a name with a colon', start('200 OK', [['a:', 'b']]), 'no colon'],
    ['a name with a line feed', start('200 OK', [['a\n', 'b']]), 'no line feed'],
    ['a name with a space', start('200 OK', [['a b', 'b']]), 'letters, digits'],
    ['a name that ends in -', start('200 OK', [['a-', 'b']]), 'does not end in'],
    ['a name that ends in _', start('200 OK', [['a_', 'b']]), 'does not end in'],
    ['a value with a line feed', start('200 OK', [['a', 'b\nc']]), 'a control character'],
    ['no Content-Type', start('200 OK', []), 'no Content-Type'],
    ['Content-Type of nothing', start('204 No Content', TEXT), 'status 204 has no content'],
    ['Content-Type of 304', start('304 Not Modified', TEXT), 'status 304 has no content'],
    ['an excInfo of text', start('200 OK', TEXT, 'error'), 'excInfo is an Error'],
    ['nothing', (_, begin) => void begin('200 OK', TEXT) as never, 'returned nothing'],
    ['text', (_, begin) => (begin('200 OK', TEXT), 'text' as never), 'a string or bytes'],
    ['bytes', (_, begin) => (begin('200 OK', TEXT), Buffer.from('b') as never), 'a string or bytes'],
    ['a number', (_, begin) => (begin('200 OK', TEXT), 3 as never), 'returns an iterable'],
    ['pieces of text', (_, begin) => (begin('200 OK', TEXT), ['a' as never]), 'the body gives Uint8Array'],
    ['a body without a head', () => [Buffer.from('a')], 'startResponse was not called yet'],
    [
      'text that is written',
      async (_, begin) => {
        await begin('200 OK', TEXT)('text' as never);
        return [];
      },
      'write takes a Uint8Array',
    ],
    [
      'read without a size',
      use((environ) => environ['wsgi.input'].read()),
      'read takes one argument; received 0',
    ],
    [
      'read of two',
      use((environ) => call(environ['wsgi.input'], 'read', 1, 2)),
      'read takes one argument; received 2',
    ],
    [
      'readline of two',
      use((environ) => call(environ['wsgi.input'], 'readline', 1, 2)),
      'readline takes one',
    ],
    [
      'readlines of two',
      use((environ) => call(environ['wsgi.input'], 'readlines', 1, 2)),
      'readlines takes one',
    ],
    [
      'input.close',
      use((environ) => call(environ['wsgi.input'], 'close')),
      'wsgi.input is the server’s to close',
    ],
    ['errors.close', use((environ) => call(environ['wsgi.errors'], 'close')), 'wsgi.errors is the server’s'],
    [
      'errors of bytes',
      use((environ) => call(environ['wsgi.errors'], 'write', 3)),
      'wsgi.errors.write takes a string',
    ],
    ['lines of bytes', use((environ) => call(environ['wsgi.errors'], 'writelines', [3])), 'takes a string'],
  ])('%s', async (_what, application, message) => {
    expect((await run(application)).violation).toContain(message);
  });

  test('is warned of a status without a reason', async () => {
    const { violation, warnings } = await run(start('200', TEXT));
    expect(violation).toBe('');
    expect(warnings).toEqual([expect.stringContaining('a space and a reason')]);
  });

  test('may use all of wsgi.input and wsgi.errors', async () => {
    const application = use(async (environ) => {
      environ['wsgi.errors'].write('a');
      environ['wsgi.errors'].writelines(['b']);
      environ['wsgi.errors'].flush();
      const input = environ['wsgi.input'];
      const parts = [await input.read(1), await input.readline(), ...(await input.readlines())];
      for await (const line of input) parts.push(line);
      expect(parts.map(String)).toEqual(['a', '\n', 'b']);
    });
    expect(await run(application)).toEqual({ violation: '', warnings: [] });
  });
});

function use(what: (environ: Environ) => unknown): WsgiApplication {
  return async (environ, startResponse) => {
    await what(environ);
    return await HELLO(environ, startResponse);
  };
}

function call(object: object, method: string, ...args: unknown[]): unknown {
  return (object as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
}

describe('the place in the application', () => {
  /** As `file:line:column` of a call on the next line of this file, whose name begins there. */
  const HERE = /\((\/.*wsgi-validator\.test\.ts):(\d+):(\d+)\)$/;

  test('that calls: in what it calls directly', async () => {
    const { violation } = await run(async (environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return [await environ['wsgi.input'].read()];
    });
    expect(violation).toMatch(/^wsgi\.input\.read takes one argument; received 0 /);
    expect(violation).toMatch(HERE);
  });

  test('that calls through others: the innermost of its own', async () => {
    const helper = (start: StartResponse): unknown => start('ok', TEXT);
    const { violation } = await run((_environ, startResponse) => {
      helper(startResponse);
      return [];
    });
    const line =
      readFileSync(import.meta.filename, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes("start('ok', TEXT)")) + 1;
    expect(HERE.exec(violation)?.slice(1, 3)).toEqual([import.meta.filename, String(line)]);
  });

  test.each<[string, (environ: Environ, start: StartResponse) => Promise<void> | void]>([
    ['write', async (_, start) => await start('200 OK', TEXT)('text' as never)],
    [
      'readline',
      async (environ) => void (await environ['wsgi.input'].readline(...([1, 2] as never as [number]))),
    ],
    [
      'readlines',
      async (environ) => void (await environ['wsgi.input'].readlines(...([1, 2] as never as [number]))),
    ],
    ['errors.write', (environ) => environ['wsgi.errors'].write(5 as never)],
    ['errors.writelines', (environ) => environ['wsgi.errors'].writelines([5 as never])],
    ['input.close', (environ) => (environ['wsgi.input'] as unknown as { close(): void }).close()],
    ['errors.close', (environ) => (environ['wsgi.errors'] as unknown as { close(): void }).close()],
  ])('%s', async (_, misuse) => {
    const { violation } = await run(async (environ, startResponse) => {
      await misuse(environ, startResponse);
      return [];
    });
    expect(violation).toMatch(HERE);
  });

  test('is not told where it has returned already', async () => {
    const { violation } = await run((() => 'text') as unknown as WsgiApplication);
    expect(violation).toMatch(/it returns \[bytes\]$/);
  });
});
