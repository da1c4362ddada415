/** `npm start`: the script serves the example, says what to open, and stops with the signals it is sent. */
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { Program } from '../support/process.js';

const START = path.join(repository, 'scripts/start.mjs');
const OPEN = /Open (http:\/\/127\.0\.0\.1:\d+)\/ in a browser/;

let started: Program | undefined;

afterEach(async () => {
  await started?.stop();
  started = undefined;
});

async function start(...args: string[]): Promise<string> {
  // A developer may have edited a source since the last build: then the script builds first.
  started = new Program(process.execPath, [START, ...args], {
    env: { PORT: undefined, XGI_CMD_ARGS: undefined },
  });
  return (await started.waitForOutput(OPEN, 60_000))[1] ?? '';
}

test('serves the example on the address that it is told', async () => {
  const origin = await start('-b', '127.0.0.1:0', '-w', '1');

  const home = await fetch(`${origin}/?greeting=%3Cb%3E`);
  expect(home.status).toBe(200);
  const page = await home.text();
  expect(page).toContain('<th>QUERY_STRING<td>&#x27;greeting=%3Cb%3E&#x27;');
  expect(page).toContain('<th>wsgi.version<td>(1, 0)');
  expect(page).toContain(`<th>HTTP_HOST<td>&#x27;${new URL(origin).host}&#x27;`);

  const echo = await fetch(`${origin}/echo`, {
    method: 'POST',
    body: new URLSearchParams({ name: '<Zoë>' }),
  });
  expect(await echo.text()).toContain('<h1>Hello, &lt;Zoë&gt;!</h1>');

  const refused = await fetch(`${origin}/echo`);
  expect(refused.status).toBe(405);
  expect(refused.headers.get('allow')).toBe('POST');
  expect((await fetch(`${origin}/nothing`)).status).toBe(404);
});

test('streams the clock, whose first line is there long before its last', async () => {
  const origin = await start('-b', '127.0.0.1:0');
  const response = await fetch(`${origin}/clock`);
  const reader = response.body?.getReader();
  const first = Buffer.from((await reader?.read())?.value ?? []).toString();
  expect(first).toMatch(/^1 {2}\d\d:\d\d:\d\d\n$/);
  await reader?.cancel();
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'passes %s on, and ends with the exit status of the server',
  async (signal) => {
    const origin = await start('-b', '127.0.0.1:0');
    expect(await started?.stop(signal)).toEqual({ code: 0, signal: null });
    await expect(fetch(origin)).rejects.toThrow('fetch failed');
  },
);

test('passes the exit status of a server on that does not start', async () => {
  const refused = new Program(process.execPath, [START, '-b', 'nonsense:port:0']);
  expect((await refused.exited).code).toBe(2);
  expect(refused.output).toContain('nonsense:port:0');
});
