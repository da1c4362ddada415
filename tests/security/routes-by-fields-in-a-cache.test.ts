/**
 * Routes that ask for a field, and a cache in front of them: the answer of the one application was kept under the key of the other's page, and whoever
 * sent the field chose what all others saw; `cache` of the server's own, or any between the server and its clients.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { killAllIn, startXgi, type XgiServer } from '../support/xgi.js';

const APP = (name: string): string => `
export default { fetch: ({ url }) => new Response('${name}', { status: url.endsWith('none') ? 404 : 200, headers: { 'Cache-Control': 'max-age=60', Vary: 'Accept' } }) };
`;

const project = new Project();
let server: XgiServer;

beforeAll(async () => {
  project.write('old.mjs', APP('old'));
  project.write('new.mjs', APP('new'));
  project.write(
    'xgi.config.yaml',
    `
middleware: [{ cache: {} }]
apps:
  old: { target: old.mjs }
  new: { target: new.mjs }
routes:
  - { headers: { X-Version: "2" }, app: new }
  - { path: /only, headers: { X-Beta: true }, app: new }
  - { path: /only, respond: { status: 404, headers: { Cache-Control: max-age=60 } } }
  - { app: old }
`,
  );
  server = await startXgi([], { cwd: project.directory });
});

afterAll(() => killAllIn(project.directory));

const ask = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers });
  return `${response.status} ${await response.text()} ${response.headers.get('vary')}`;
};

test.each([
  ['/page', { 'X-Version': '2' }, '200 new', '200 old'],
  ['/none', { 'X-Version': '2' }, '404 new', '404 old'],
  ['/only', { 'X-Beta': 'x' }, '200 new', '404 '],
])('%s with %j is no answer for others', async (path, headers, theirs, ours) => {
  for (let i = 0; i < 2; i++) {
    expect(await ask(path, headers)).toContain(theirs);
    expect(await ask(path)).toContain(ours);
  }
  expect(await ask(path)).toMatch(/x-version, x-beta$/);
});
