/** The middleware that docs/guide/middleware.md begins with, as it stands there. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { repository } from '../support/paths.js';
import { killAllIn, startXgi } from '../support/xgi.js';

const project = new Project();

afterEach(() => killAllIn(project.directory));

test('the tenant of a request reaches the application, and others are refused', async () => {
  const guide = readFileSync(path.join(repository, 'docs/guide/middleware.md'), 'utf8');
  const [, source] = /```ts\n\/\/ tenant\.ts[^\n]*\n([^]*?)```/.exec(guide)!;
  const [, settings] = /```yaml\n(middleware:\n[^]*?)```/.exec(guide)!;
  project.write('tenant.ts', source!);
  project.write('api.ts', 'export default { fetch: (_request, { variables }) => Response.json(variables) };');
  project.write('xgi.config.yaml', `target: ./api.ts\n${settings}`);
  const server = await startXgi([], { cwd: project.directory });
  const ask = async (host: string): Promise<string> =>
    await new Promise((resolve, reject) => {
      request(server.url('/'), { headers: { host } }, async (response) => {
        const text = (await response.toArray()).join('');
        resolve(`${response.statusCode} ${String(response.headers['x-tenant'])} ${text}`);
      })
        .on('error', reject)
        .end();
    });
  expect(await ask('north.example.org')).toBe('200 north {"TENANT":"north"}');
  expect(await ask('west.example.org')).toContain(
    '404 undefined 404 Not Found\n\nXGI_TENANT: there is no such tenant',
  );
});
