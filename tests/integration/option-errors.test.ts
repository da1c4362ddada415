/** What is wrong with middleware in a configuration file, in YAML and in TypeScript: where it stands, the line, what was expected, what was there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfigFile } from '../../src/config/file.js';
import { resolveConfig } from '../../src/config/resolve.js';
import { ConfigError } from '../../src/errors.js';
import { importXgi } from '../../src/service/load-module.js';
import { MiddlewareSet } from '../../src/service/middleware-set.js';
import { siteOf } from '../../src/service/site-application.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { FakeLog } from '../unit/service/steered.js';

let folder: string;

beforeAll(() => {
  folder = makeTempDir();
  mkdirSync(path.join(folder, 'folder'));
  const files = {
    'api.ts': 'export default { fetch: () => new Response("hello") };\n',
    'tenant.ts': 'export default (next: unknown) => next;\n',
    'no-colon': 'hunter2\n',
    plain: '# users\nbob:hunter2\n',
    empty: '\n',
    'key.pem': 'not a key\n',
    'computed.xsl': '<x select="document($name)"/>\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
});

afterAll(() => removeTempDir(folder));

/** JSON is YAML and TypeScript as well. */
const FORMATS = {
  'xgi.config.yaml': (item: string) => `target: ./api.ts\nmiddleware:\n  - ${item}\n`,
  'xgi.config.ts': (item: string) =>
    `import { defineConfig } from 'xgi';\nexport default defineConfig({ target: './api.ts', middleware: [\n    ${item},\n] });\n`,
};

/** What a start says of that item of `middleware`. */
async function fail(name: keyof typeof FORMATS, item: string): Promise<unknown> {
  const file = path.join(folder, name);
  writeFileSync(file, FORMATS[name](item));
  const config = await loadConfigFile(file, folder, importXgi);
  try {
    const resolved = await resolveConfig(config.settings, {
      cwd: folder,
      env: {},
      inheritedFds: [],
      nameOf: (key, below = []) => config.nameOf([key, ...below]),
      nameOfKey: (at) => config.nameOf(at, 'key'),
    });
    await MiddlewareSet.load(resolved, siteOf(resolved), new FakeLog());
    return 'nothing is wrong';
  } catch (error) {
    return config.explain(error);
  }
}

const LONG = 'a'.repeat(32);

/** The `^` is where the caret stands. */
const WRONG: readonly (readonly [string, string])[] = [
  // Two options together, or none.
  ['{ "ip": ^{} }', '.ip: expected allow or deny, received neither'],
  ['^"ip"', ': ip needs options: expected allow or deny, received none'],
  ['{ "basicAuth": ^{} }', '.basicAuth: expected either file or users, received neither'],
  [
    '{ "basicAuth": ^{ "file": "a", "users": { "b": "{SHA}hunter2" } } }',
    '.basicAuth: expected either file or users, received both',
  ],
  ['{ "bearer": ^{} }', '.bearer: expected one of jwksUrl, keyFile and secret, received none'],
  [
    `{ "bearer": ^{ "secret": "${LONG}", "keyFile": "a" } }`,
    '.bearer: expected one of jwksUrl, keyFile and secret, received keyFile and secret',
  ],
  [
    `{ "bearer": { "algorithms": ["HS256", ^"RS256"], "secret": "${LONG}" } }`,
    '.bearer.algorithms[1]: expected an algorithm for a secret: one of HS256, HS384, HS512, received "RS256"',
  ],
  ['{ "limits": ^{} }', '.limits: expected body or time, received neither'],
  ['{ "injectHtml": ^{} }', '.injectHtml: expected head or body, received neither'],
  ['{ "redirect": ^{} }', '.redirect: expected paths, https or host, received none of them'],
  [
    '{ "cors": { "origins": ["https://a.example", ^"*"], "credentials": true } }',
    '.cors.origins[1]: expected an origin that is trusted with cookies and passwords, as credentials is true, received "*"',
  ],
  // Values.
  [
    '{ "forwardAuth": { "url": ^"auth.example/verify" } }',
    '.forwardAuth.url: expected a URL with http or https, for example http://127.0.0.1:9091/verify, received "auth.example/verify"',
  ],
  [
    '{ "forwardAuth": { "url": "http://a/", "requestFields": [^"X-Forwarded-For"] } }',
    '.forwardAuth.requestFields[0]: expected the name of a header field, but none of the connection, Host or X-Forwarded-*, which xgi sets, received "X-Forwarded-For"',
  ],
  [
    '{ "forwardAuth": { "url": "http://a/", "responseFields": ["X-A", ^"HOST"] } }',
    '.forwardAuth.responseFields[1]: expected the name of a header field that an application can be given, received "HOST"',
  ],
  [
    '{ "forwardAuth": { "url": "http://a/", "userField": ^"Date" } }',
    '.forwardAuth.userField: expected the name of a header field that an application can be given, received "Date"',
  ],
  [
    '{ "bearer": { "jwksUrl": ^"ftp://a/" } }',
    '.bearer.jwksUrl: expected a URL with http or https, for example http://127.0.0.1:9091/verify, received "ftp://a/"',
  ],
  // Keys.
  [
    '{ "headers": { "set": { ^"X Bad": "1" } } }',
    '.headers.set["X Bad"]: expected the name of a header field that is not the server’s: not Host, Content-Length, Connection or another of the connection, received "X Bad"',
  ],
  [
    '{ "headers": { "request": { "add": { ^"": "1" } } } }',
    '.headers.request.add[""]: expected the name of a header field that is not the server’s: not Host, Content-Length, Connection or another of the connection, received ""',
  ],
  [
    '{ "redirect": { "paths": { "/new": "/a", ^"old": "/new" } } }',
    '.redirect.paths.old: expected a path, for example /shop, /users/:id or /files/*, as a key, received "old"',
  ],
  [
    '{ "rewrite": { "paths": { ^"old": "/new" } } }',
    '.rewrite.paths.old: expected a path, for example /shop, /users/:id or /files/*, as a key, received "old"',
  ],
  [
    '{ "errorPages": { "pages": { ^"200": "./404.html" } } }',
    '.errorPages.pages["200"]: expected a status from 400 to 599, 4xx or 5xx, as a key, received "200"',
  ],
  [
    '{ "xslt": { "stylesheet": "a", "parameters": { ^"a b": "c" } } }',
    '.xslt.parameters["a b"]: expected the name of a parameter: letters, digits, _, - and ., received "a b"',
  ],
  [
    '{ "basicAuth": { "users": { ^"a:b": "{SHA}hunter2" } } }',
    '.basicAuth.users["a:b"]: expected the name of a user, without colons and control characters, received "a:b"',
  ],
  // Values beside such keys.
  [
    '{ "headers": { "set": { "X-A": ^1 } } }',
    '.headers.set.X-A: expected the value of a header field, without control characters, latin-1, received 1; put it in quotes',
  ],
  [
    '{ "redirect": { "paths": { "/a": ^"/:id" } } }',
    '.redirect.paths["/a"]: expected a target whose :id is in its path, too, received "/:id"',
  ],
  // Of another type as a whole.
  ['{ "rateLimit": ^5 }', '.rateLimit: expected an object of options (limit, window, by), received 5'],
  ['{ "ip": ^null }', '.ip: expected an object of options (allow, deny), received null'],
  [
    '{ "rateLimit": ^{} }',
    '.rateLimit.limit: expected a whole number from 1 to 1000000000, received nothing',
  ],
  // Names.
  ['{ "rateLimit": { ^"limt": 5 } }', '.rateLimit.limt: there is no such setting; did you mean limit?'],
  [
    '{ "rateLimit": { "limit": 5, "by": { ^"feild": "X" } } }',
    '.rateLimit.by.feild: there is no such setting; did you mean field?',
  ],
  ['^{ "haeders": {} }', ': there is no middleware "haeders"; did you mean headers?'],
  ['^"compresion"', ': there is no middleware "compresion"; did you mean compression?'],
  [
    '^{ "ip": { "deny": ["::1"] }, "traceparent": {} }',
    ': expected one middleware and its options in each item of the list, received ip and traceparent',
  ],
  // Files.
  [
    '^"./tenan.ts"',
    ': expected a TypeScript or JavaScript file, received "./tenan.ts": there is no such file; did you mean ./tenant.ts?',
  ],
  [
    '^{ "none/at/all.js": {} }',
    ': expected a TypeScript or JavaScript file, received "none/at/all.js": there is no such file',
  ],
  [
    '{ "basicAuth": { "file": ^"./nothing" } }',
    '.basicAuth.file: expected a file of htpasswd, received "./nothing": there is no such file',
  ],
  [
    '{ "basicAuth": { "file": ^"folder" } }',
    '.basicAuth.file: expected a file of htpasswd, received "folder": it is not a file',
  ],
  [
    '{ "basicAuth": { "file": ^"no-colon" } }',
    '.basicAuth.file: expected a file of htpasswd, received "no-colon": line 1: expected a name, a colon and a hash, found no colon',
  ],
  [
    '{ "basicAuth": { "file": ^"plain" } }',
    '.basicAuth.file: expected a file of htpasswd, received "plain": line 2: the user "bob": expected a hash of bcrypt, apr1 or {SHA}, found a plain password, or a hash of crypt; make one with htpasswd -B',
  ],
  [
    '{ "basicAuth": { "file": ^"empty" } }',
    '.basicAuth.file: expected a file of htpasswd, received "empty": it has no users',
  ],
  [
    '{ "basicAuth": { "users": { "bob": ^"old" } } }',
    '.basicAuth.users.bob: the user "bob": expected a hash of bcrypt, apr1 or {SHA}, found a plain password, or a hash of crypt; make one with htpasswd -B',
  ],
  [
    '{ "bearer": { "keyFile": ^"key.pem" } }',
    '.bearer.keyFile: expected a file: a JSON Web Key Set, or a public key in PEM, received "key.pem": it is not JSON',
  ],
  [
    '{ "bearer": { "keyFile": ^"folder" } }',
    '.bearer.keyFile: expected a file: a JSON Web Key Set, or a public key in PEM, received "folder": it is a folder',
  ],
  [
    '{ "errorPages": { "pages": { "4xx": "api.ts", "404": ^"./404.html" } } }',
    '.errorPages.pages["404"]: expected the path of a file, for example ./404.html, received "./404.html": there is no such file',
  ],
  [
    '{ "xslt": { "stylesheet": ^"./page.xsl" } }',
    '.xslt.stylesheet: expected the path of a stylesheet, for example ./page.xsl, received "page.xsl": there is no such file',
  ],
  [
    '{ "xslt": { "stylesheet": ^"computed.xsl" } }',
    '.xslt.stylesheet: computed.xsl computes what document() reads; expected the name of a file as it stands',
  ],
  [
    '{ "accessLog": { "file": ^"none/access.log" } }',
    '.accessLog.file: expected a file that can be written, or - for standard output, received "none/access.log": there is no folder',
  ],
];

describe.each(Object.keys(FORMATS) as (keyof typeof FORMATS)[])('%s', (name) => {
  test.each(WRONG)('%s', async (marked, message) => {
    const item = marked.replace('^', '');
    const error = await fail(name, item);
    expect(error).toBeInstanceOf(ConfigError);
    const [text = '', , line, caret] = (error as ConfigError).message.split('\n');
    const column = (name === 'xgi.config.ts' ? '    ' : '  - ').length + marked.indexOf('^');
    expect(text).toContain(`${name}:3:${column + 1}: middleware[0]${message}`);
    // What the caret is below of, whatever of a long line is shown.
    const below = marked.slice(marked.indexOf('^') + 1).slice(0, 20);
    expect(line!.slice(caret!.indexOf('^'))).toSatisfy(
      (rest: string) => rest.startsWith(below) || (rest.endsWith('…') && below.startsWith(rest.slice(0, -1))),
    );
  });
});

describe('what may be a secret', () => {
  test.each([
    [
      '{ "bearer": { "secret": "hunter2" } }',
      '.bearer.secret: expected a secret of at least 32 bytes, received a shorter one',
      '{ "bearer": { "secret": …',
    ],
    [
      '{ "basicAuth": { "users": { "bob": "hunter2" } } }',
      'found a plain password',
      '{ "basicAuth": { "users": { "bob": …',
    ],
    [
      '{ "bearer": { "secret": 20261127072 } }',
      '.bearer.secret: expected a secret of at least 32 bytes, received <hidden>\n',
      '{ "bearer": { "secret": …',
    ],
    [
      '{ "basicAuth": { "users": { "bob": ["hunter2"] } } }',
      '.basicAuth.users.bob: expected what htpasswd writes behind the name, received <hidden>\n',
      '{ "basicAuth": { "users": { "bob": …',
    ],
    [
      `{ "bearer": { "secret": "hunter2${LONG}", "algoritms": [] } }`,
      '.bearer.algoritms: there is no such setting; did you mean algorithms?\n',
      '{ "bearer": { "secret": …',
    ],
    [
      '{ "bearer": [{ "secret": "hunter2" }] }',
      'received [{"secret":"<hidden>"}]\n',
      '{ "bearer": [{ "secret": …',
    ],
    [
      '{ "./none.ts": { "apiToken": "hunter2" } }',
      'received "./none.ts": there is no such file\n',
      '{ "./none.ts": { "apiToken": …',
    ],
  ])('is not shown: %s', async (item, message, shown) => {
    const error = (await fail('xgi.config.yaml', item)) as ConfigError;
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/hunter2|20261127072/);
    expect(error.message).toContain(`    3 |   - ${shown}\n`);
  });

  test('of two that do not go together, the names', async () => {
    const error = await fail(
      'xgi.config.ts',
      `{ "bearer": { "secret": "${LONG}", "jwksUrl": "http://a/" } }`,
    );
    expect((error as ConfigError).message.split('\n')[0]).not.toContain(LONG);
  });
});
