/**
 * Error pages that tell too much, or are run. Without `--dev` a stranger must learn nothing of paths, messages and versions; with it, what a program
 * wrote (and so what a client sent) stands in the answer, and no browser may take that for HTML and run its scripts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';

const SCRIPT = '<html><script>alert("SECRET")</script>';

const FAILURES: readonly (readonly [name: string, status: number, code: string])[] = [
  ['not-executable.sh', 500, 'XGI_CGI_NO_EXEC'],
  ['crlf.sh', 500, 'XGI_CGI_CRLF'],
  ['no-shebang.sh', 500, 'XGI_CGI_NO_SHEBANG'],
  ['bad-interpreter.sh', 500, 'XGI_CGI_BAD_INTERPRETER'],
  ['no-head.sh', 502, 'XGI_CGI_BAD_HEAD'],
  ['fails.sh', 502, 'XGI_CGI_EXIT'],
  ['empty.sh', 502, 'XGI_CGI_NO_HEAD'],
  ['raises.py', 502, 'XGI_CGI_EXIT'],
  ['sends.sh', 500, 'XGI_SENDFILE_REFUSED'],
  ['loops.sh', 502, 'XGI_CGI_REDIRECTS'],
  ['hangs.sh', 504, 'XGI_CGI_TIMEOUT'],
  ['missing.sh', 404, 'XGI_CGI_NOT_FOUND'],
  ['.hidden.sh', 404, 'XGI_CGI_NOT_FOUND'],
];

function prepare(site: CgiSite): void {
  site.program('not-executable.sh', '#!/bin/sh\n', 0o644);
  site.program('crlf.sh', '#!/bin/sh\r\necho\r\n');
  site.program('no-shebang.sh', 'echo SECRET\n');
  site.program('bad-interpreter.sh', '#!/no/such/SECRET\n');
  site.program('no-head.sh', `#!/bin/sh\necho '${SCRIPT}'\n`);
  site.program('fails.sh', `#!/bin/sh\necho '${SCRIPT}' >&2\nexit 3\n`);
  site.program('empty.sh', '#!/bin/sh\necho SECRET >&2\n');
  site.program('raises.py', `#!/usr/bin/env python3\nraise ValueError('${SCRIPT}')\n`);
  site.program('sends.sh', '#!/bin/sh\nprintf "X-Sendfile: /SECRET\\nContent-Type: text/html\\n\\n"\n');
  site.program('loops.sh', '#!/bin/sh\nprintf "Location: /loops.sh?SECRET\\n\\n"\n');
}

describe('without --dev', () => {
  const site = new CgiSite();

  beforeAll(async () => {
    prepare(site);
    await site.start(['--cgi-idle-timeout', '1s']);
  });
  afterAll(() => site.destroy());

  test.each(FAILURES)('%s: %d %s, and nothing else', async (name, status, code) => {
    const answer = await site.get(`/${name}?<script>`, { headers: ['Accept: text/html'] });
    expect(answer.status).toBe(status);
    const page = answer.body.toString();
    // A request's id helps the administrator to find it, and says nothing.
    expect(page).toMatch(
      status === 404
        ? /^404 Not Found\n\n\w+: there is no program at this path\n$/
        : /^5\d\d [A-Z][\w ]+\n\n\w+\nrequest [\w-]+\n$/,
    );
    expect(page).toContain(code);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.head + page).not.toMatch(/SECRET|<|cgi-bin|\.sh|\.py|python|\/tmp|xgi\/|Traceback/i);
    expect(answer.headers.get('server') ?? 'xgi').toBe('xgi');
  });

  test('the same stands in the log, with all that is to be known', async () => {
    for (const [, status, code] of FAILURES)
      if (status >= 500) expect(site.log).toContain(`[ERROR] ${code}: `);
    expect(site.log).toContain(SCRIPT);
    expect(site.log).toMatch(/\n {4}ValueError: <html>/);
  });
});

describe('with --dev', () => {
  const site = new CgiSite();

  beforeAll(async () => {
    prepare(site);
    await site.start(['--cgi-idle-timeout', '1s', '--dev']);
  });
  afterAll(() => site.destroy());

  test.each(FAILURES)('%s: %d %s as text, which stays text', async (name, status, code) => {
    const answer = await site.get(`/${name}?<script>alert(1)</script>`);
    expect(answer.status).toBe(status);
    expect(answer.body.toString()).toContain(`${code}: `);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test.each(FAILURES)('%s: %d %s as a page, in which all of that is text', async (name, status, code) => {
    const answer = await site.get(`/${name}?<script>alert(1)</script>`, { headers: ['Accept: text/html'] });
    expect(answer.status).toBe(status);
    const page = answer.body.toString();
    expect(page).toContain(code);
    expect(page).not.toMatch(/<(script|img|iframe|link|a|form|base|object)\b|\son\w+=|javascript:/i);
    // Each element is one that we have written.
    expect(page.match(/<[a-z][^>]*>/g)!.map((tag) => tag.replace(/[ >].*/s, ''))).toEqual(
      expect.arrayContaining(['<html', '<h1', '<p']),
    );
    expect(page.match(/<p[ >]/g)).toHaveLength(1);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    // Should it fail to escape something: nothing of it runs or is loaded.
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline';/,
    );
  });

  test('what a program wrote is escaped, and there', async () => {
    const page = (await site.get('/fails.sh', { headers: ['Accept: text/html'] })).body.toString();
    expect(page).toContain('<pre>&lt;html&gt;&lt;script&gt;alert(&quot;SECRET&quot;)&lt;/script&gt;</pre>');
  });

  test('what the program said is in the page, and with it the reason', async () => {
    expect((await site.get('/fails.sh')).body.toString()).toContain(
      `ended with status 3 before it had sent a head\n\n${SCRIPT}`,
    );
    expect((await site.get('/raises.py')).body.toString()).toContain(`ValueError: ${SCRIPT}`);
    expect((await site.get('/missing.sh')).body.toString()).toContain('there is no such file');
  });
});
