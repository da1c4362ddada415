/**
 * The query as arguments (CVE-2012-1823, php-cgi). RFC 3875 section 4.4 lets a server pass the words of a query without `=` on the command line
 * of the program. php-cgi took them for its own options: `/index.php?-s` showed the source, `?-d+auto_prepend_file%3dphp://input` ran what
 * the client sent. So no program is given any, unless its administrator has asked for it by name.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';

const QUERIES = [
  '-s',
  '-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input',
  '%2ds',
  'a+b',
  '--help',
  '-c+import%20os',
  '%AD-s',
  '+-s',
  '-',
];

describe('without --cgi-index-query', () => {
  const site = new CgiSite();

  beforeAll(async () => {
    // Reads options as php-cgi does.
    site.program(
      'interpreter',
      '#!/bin/sh\ncase "$1" in -*) OPTIONS=$1; shift;; esac\nprintf "Content-Type: text/plain\\n\\n[%s][%s]" "$OPTIONS" "$#"\n',
    );
    site.program('page.php', '<?php SECRET ?>', 0o644);
    await site.start([
      '--cgi-interpreter',
      `.php=${site.file('cgi-bin/interpreter')}`,
      '--cgi-index-query',
      'hello.sh',
    ]);
  });
  afterAll(() => site.destroy());

  test.each(QUERIES)('%s is no argument, of a script or of an interpreter', async (query) => {
    expect((await site.get(`/arguments.sh?${query}`)).body.toString()).toBe('');
    // The script, and nothing else.
    expect((await site.get(`/page.php?${query}`)).body.toString()).toBe('[][1]');
    const { argv, env } = await site.report(`/report.py?${query}`);
    expect(argv).toHaveLength(1);
    expect(env['QUERY_STRING']).toBe(query);
  });
});

describe('with --cgi-index-query', () => {
  const site = new CgiSite();

  beforeAll(() => site.start(['--cgi-index-query', 'arguments.sh', '--cgi-index-query', 'report.py']));
  afterAll(() => site.destroy());

  const words = async (target: string, options = {}): Promise<string[]> =>
    (await site.get(target, options)).body.toString().split('\n').slice(0, -1);

  test('the words are arguments, decoded once, each one whole', async () => {
    expect(await words('/arguments.sh?a+b%20c+%2ds+%2526+%24%28id%29')).toEqual([
      '[a]',
      '[b c]',
      '[-s]',
      '[%26]',
      '[$(id)]',
    ]);
    expect((await site.report('/report.py?a+b%20c')).argv.slice(1)).toEqual(['a', 'b c']);
  });

  test('a query with = is none, nor one with an encoded control character', async () => {
    for (const query of ['a=b', '-s=', 'a+b=c', 'a%00b', 'a%0ab', '%1b', ''])
      expect([query, await words(`/arguments.sh?${query}`)]).toEqual([query, []]);
  });

  test('only GET and HEAD have them', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect([method, await words('/arguments.sh?-s', { method })]).toEqual([method, []]);
  });

  test('a path behind the program, or another program, does not matter', async () => {
    expect(await words('/arguments.sh/info?a')).toEqual(['[a]']);
    site.program('other.sh', '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n$#"\n');
    expect((await site.get('/other.sh?-s')).body.toString()).toBe('0');
  });
});
