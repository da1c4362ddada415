/** Shell scripts, which use /dev/stdin, /dev/stdout and /dev/stderr, and start programs of their own. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl } from '../support/cgi-bin.js';
import { isAlive, pollUntil } from '../support/poll.js';
import { isMissing } from '../support/test-env.js';
import { isRunning, type XgiServer } from '../support/xgi.js';

const SCRIPTS = {
  // Echoes its body by way of the names of its streams, which a socket in their place would refuse (ENXIO).
  'devices.sh': `#!/bin/sh
echo "Content-Type: application/octet-stream" > /dev/stdout
echo "X-Length: $CONTENT_LENGTH" > /dev/stdout
echo > /dev/stdout
cat /dev/stdin > /dev/stdout
echo "said by name" > /dev/stderr
echo "said by number" >&2
`,
  'streams.sh': `#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
test -p /dev/stdout && echo "stdout is a pipe"
test -p /dev/stderr && echo "stderr is a pipe"
test -t 0 || echo "stdin is no terminal"
cat | wc -c
`,
  'pipes.sh': `#!/bin/sh
echo "Content-Type: text/plain"
echo
tr '&' '\\n' | grep '^word=' | sed 's/^word=//' | sort | uniq -c | awk '{ print $2 ": " $1 }'
seq 1 100000 | head -n 3
(echo inner; exit 7) ; echo "status $?"
cat <<END
here: $REQUEST_METHOD $(basename "$SCRIPT_FILENAME") in $(pwd)
END
`,
  'bash.sh': `#!/usr/bin/env bash
set -euo pipefail
printf 'Content-Type: text/plain\\r\\n\\r\\n'
declare -A seen=([a]=1)
diff <(echo one) <(echo two) || true
exec 2> >(sed 's/^/filtered: /' >&2)
echo "to a substitution" >&2
exec 2>&-
wait "$!"
`,
  'background.sh': `#!/bin/sh
(while ! test -e ../go; do sleep 0.01; done; echo "$$" > ../done) < /dev/null > /dev/null 2>&1 &
printf 'Content-Type: text/plain\\n\\n%s\\n' "$!"
`,
  // Forgets to close the output: only the last one that holds it ends the answer.
  'attached.sh': `#!/bin/sh
printf 'Content-Type: text/plain\\n\\nfirst\\n'
(while ! test -e ../attached; do sleep 0.01; done; echo later) &
`,
  'tick.sh': `#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
for name in one two three; do
  echo "$name"
  while ! test -e "../seen-$name"; do sleep 0.01; done
done
`,
  'endless.sh': `#!/bin/sh
echo $$ > ../endless.pid
printf 'Content-Type: text/plain\\n\\n'
sleep 1000 &
echo $! > ../endless-child.pid
while :; do echo running; sleep 0.1; done
`,
  'unread.sh': `#!/bin/sh
printf 'Status: 413 Too much\\nContent-Type: text/plain\\n\\nnot read\\n'
`,
  'environment.sh': `#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
env | sort
`,
  'redirect.sh': `#!/bin/sh
printf 'Location: /environment.sh?from=redirect\\n\\n'
`,
} as const;

describe.skipIf(isMissing('curl'))('shell scripts', () => {
  const site = new CgiBin();
  let server: XgiServer;

  beforeAll(async () => {
    for (const [name, text] of Object.entries(SCRIPTS)) site.program(name, text);
    server = await site.serve(['-e', 'GREETING=a b "c"']);
  });

  afterAll(() => site.close());

  test.each([{ size: 0 }, { size: 10 }, { size: 65_536 }, { size: 65_537 }, { size: 3_000_000 }])(
    'a body of $size bytes from /dev/stdin to /dev/stdout',
    async ({ size }) => {
      const body = randomBytes(size);
      writeFileSync(site.file('body'), body);
      for (const field of ['X-Nothing: 1', 'Transfer-Encoding: chunked']) {
        const answer = await curl(
          '-H',
          field,
          '--data-binary',
          `@${site.file('body')}`,
          server.url('/devices.sh'),
        );
        expect([answer.status, answer.headers.get('x-length')]).toEqual([200, String(size)]);
        expect(answer.bytes.equals(body)).toBe(true);
      }
      await server.waitForOutput(/devices\.sh: said by name/);
      await server.waitForOutput(/devices\.sh: said by number/);
    },
  );

  test('a request without a body, and the streams that there are', async () => {
    const echo = await curl(server.url('/devices.sh'));
    expect([echo.bytes.length, echo.headers.get('x-length')]).toEqual([0, '']);
    const streams = await curl(server.url('/streams.sh'));
    expect(streams.text).toBe('stdout is a pipe\nstderr is a pipe\nstdin is no terminal\n0\n');
  });

  test('pipes, subshells and here documents', async () => {
    const answer = await curl(
      '-d',
      'word=b',
      '-d',
      'word=a',
      '-d',
      'word=b',
      '-d',
      'other=c',
      server.url('/pipes.sh'),
    );
    expect(answer.text).toBe(
      `a: 1\nb: 2\n1\n2\n3\ninner\nstatus 7\nhere: POST pipes.sh in ${site.programs}\n`,
    );
    expect(server.output).not.toContain('Broken pipe');
    const bash = await curl(server.url('/bash.sh'));
    expect(bash.text).toBe('1c1\n< one\n---\n> two\n');
    await server.waitForOutput(/bash\.sh: filtered: to a substitution/);
  });

  test('what it leaves in the background goes on; with its output closed nobody waits for it', async () => {
    const answer = await curl(server.url('/background.sh'));
    const pid = Number(answer.text);
    expect(isAlive(pid)).toBe(true);
    writeFileSync(site.file('go'), '');
    await pollUntil(() => existsSync(site.file('done')), { what: 'the background process to end by itself' });

    const response = await fetch(server.url('/attached.sh'));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('first\n');
    writeFileSync(site.file('attached'), '');
    expect((await reader.read()).value).toBe('later\n');
    expect((await reader.read()).done).toBe(true);
  });

  test('each line is with the client while the script still runs', async () => {
    const response = await fetch(server.url('/tick.sh'));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (const name of ['one', 'two', 'three']) {
      expect((await reader.read()).value).toBe(`${name}\n`);
      writeFileSync(site.file(`seen-${name}`), '');
    }
    expect((await reader.read()).done).toBe(true);
  });

  test('when the client goes, the script ends, and what it has started', async () => {
    const leave = new AbortController();
    const response = await fetch(server.url('/endless.sh'), { signal: leave.signal });
    expect(Buffer.from((await response.body!.getReader().read()).value!).toString()).toMatch(/^running\n/);
    const pids = ['endless.pid', 'endless-child.pid'].map((name) =>
      Number(readFileSync(site.file(name), 'utf8')),
    );
    expect(pids.map(isRunning)).toEqual([true, true]);
    leave.abort();
    await pollUntil(() => !pids.some(isRunning), { what: 'the end of the script and of its child' });
  });

  test('a body that is not read hinders nothing', async () => {
    writeFileSync(site.file('large'), Buffer.alloc(20_000_000));
    const answer = await curl('--data-binary', `@${site.file('large')}`, server.url('/unread.sh'));
    expect([answer.status, answer.reason, answer.text]).toEqual([413, 'Too much', 'not read\n']);
  });

  test('a local redirect to another script', async () => {
    const answer = await curl('-d', 'a=b', server.url('/redirect.sh?x=y'));
    const lines = answer.text.split('\n');
    expect(lines).toEqual(expect.arrayContaining(['QUERY_STRING=from=redirect', 'REQUEST_METHOD=GET']));
    expect(lines.filter((line) => line.startsWith('CONTENT_LENGTH='))).toEqual([]);
  });

  test('its environment is what it is given, whatever the client sends', async () => {
    const answer = await curl(
      ...['-H', 'X-Danger: $(touch pwned); `touch pwned` | touch pwned', '-H', 'Proxy: http://evil/'],
      server.url('/environment.sh/a%20b/$(touch%20pwned)?;touch%20pwned&$IFS'),
    );
    const variables = new Map(
      answer.text
        .trimEnd()
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(variables.get('HTTP_X_DANGER')).toBe('$(touch pwned); `touch pwned` | touch pwned');
    expect(variables.get('PATH_INFO')).toBe('/a b/$(touch pwned)');
    expect(variables.get('QUERY_STRING')).toBe(';touch%20pwned&$IFS');
    expect(variables.get('GREETING')).toBe('a b "c"');
    expect(variables.get('PATH')).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    for (const name of ['HTTP_PROXY', 'HOME', 'NODE_OPTIONS', 'LANG', 'CI', 'VITEST'])
      expect([name, variables.get(name)]).toEqual([name, undefined]);
    expect(existsSync(`${site.programs}/pwned`)).toBe(false);
  });
});
