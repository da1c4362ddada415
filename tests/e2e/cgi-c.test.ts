/** A program in C, compiled here: no interpreter between the gateway and the system calls. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiBin, curl } from '../support/cgi-bin.js';
import { run } from '../support/process.js';
import { isMissing } from '../support/test-env.js';
import type { XgiServer } from '../support/xgi.js';

/** PATH_INFO says what to do. */
const SOURCE = String.raw`
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "(none)";
}

/* Exactly CONTENT_LENGTH bytes, as RFC 3875 section 4.2 asks; then it looks whether more would come. */
static int echo(void) {
  long left = atol(variable("CONTENT_LENGTH"));
  static char buffer[70000];
  printf("Content-Type: application/octet-stream\r\nContent-Length: %ld\r\n\r\n", left);
  fflush(stdout);
  while (left > 0) {
    ssize_t count = read(0, buffer, left < (long)sizeof buffer ? (size_t)left : sizeof buffer);
    if (count <= 0) return 9;
    for (ssize_t at = 0, written; at < count; at += written)
      if ((written = write(1, buffer + at, count - at)) < 0) return 8;
    left -= count;
  }
  fprintf(stderr, "after the body: %zd\n", read(0, buffer, 1));
  return 0;
}

static int report(int argc, char **argv) {
  char cwd[4096];
  struct stat in, out, err;
  fstat(0, &in), fstat(1, &out), fstat(2, &err);
  struct sigaction action;
  sigset_t blocked;
  sigaction(SIGPIPE, NULL, &action);
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  int blockedCount = 0, open = 0;
  for (int signal = 1; signal < 32; signal++) blockedCount += sigismember(&blocked, signal) == 1;
  for (int fd = 0; fd < 1024; fd++) {
    struct stat stats;
    open += fstat(fd, &stats) == 0;
  }
  puts("Content-Type: text/plain\n");
  printf("argc %d\nargv0 %s\ncwd %s\n", argc, argv[0], getcwd(cwd, sizeof cwd));
  printf("stdout %s\nstderr %s\n", S_ISFIFO(out.st_mode) ? "pipe" : "other", S_ISFIFO(err.st_mode) ? "pipe" : "other");
  printf("sigpipe %s\nblocked %d\nopen %d\n", action.sa_handler == SIG_DFL ? "default" : "other", blockedCount, open);
  printf("leader %d\n", getpgrp() == getpid());
  printf("query %s\nmethod %s\n", variable("QUERY_STRING"), variable("REQUEST_METHOD"));
  return 0;
}

int main(int argc, char **argv) {
  const char *what = variable("PATH_INFO");
  if (strcmp(what, "/echo") == 0) return echo();
  if (strcmp(what, "/report") == 0) return report(argc, argv);
  if (strcmp(what, "/crash") == 0) { fputs("about to crash\n", stderr); raise(SIGSEGV); }
  if (strcmp(what, "/abort") == 0) { puts("Content-Type: text/plain\nContent-Length: 100\n\nhalf"); fflush(stdout); abort(); }
  if (strcmp(what, "/silent") == 0) return 0;
  if (strcmp(what, "/no-head") == 0) { puts("Hello, world!"); return 0; }
  if (strcmp(what, "/status") == 0) {
    fputs("Status: 299 Whatever\nContent-Type: text/plain\nSet-Cookie: a=1\nSet-Cookie: b=2\n\nbody", stdout);
    return 0;
  }
  if (strcmp(what, "/environ") == 0) {
    puts("Content-Type: text/plain\n");
    for (char **entry = environ; *entry; entry++) puts(*entry);
    return 0;
  }
  puts("Status: 404 Not Found\nContent-Type: text/plain\n\nunknown");
  return 0;
}
`;

describe.skipIf(isMissing('C compiler') || isMissing('curl'))('a program in C', () => {
  const site = new CgiBin();
  let server: XgiServer;

  beforeAll(async () => {
    writeFileSync(site.file('program.c'), SOURCE);
    const binary = path.join(site.programs, 'program');
    const { code, stderr } = await run('cc', ['-O1', '-Wall', '-o', binary, site.file('program.c')]);
    if (code !== 0) throw new Error(stderr);
    server = await site.serve();
  });

  afterAll(() => site.close());

  test.each([{ size: 1 }, { size: 65_535 }, { size: 65_536 }, { size: 65_537 }, { size: 2_000_000 }])(
    'reads a body of $size bytes, and nothing comes after it',
    async ({ size }) => {
      const body = randomBytes(size);
      writeFileSync(site.file('body'), body);
      const already = server.output.split('after the body: 0').length;
      const answer = await curl('--data-binary', `@${site.file('body')}`, server.url('/program/echo'));
      expect(answer.status).toBe(200);
      expect(answer.bytes.equals(body)).toBe(true);
      await server.waitForOutput(new RegExp(`(?:after the body: 0[^]*){${already}}`));
    },
  );

  test('is started as the kernel starts programs: streams, signals, working directory, no arguments', async () => {
    const answer = await curl(server.url('/program/report?a+b+c'));
    expect(answer.text.trimEnd().split('\n')).toEqual([
      'argc 1',
      `argv0 ${site.programs}/program`,
      `cwd ${site.programs}`,
      'stdout pipe',
      'stderr pipe',
      'sigpipe default',
      'blocked 0',
      'open 3',
      'leader 1',
      'query a+b+c',
      'method GET',
    ]);
  });

  test('its environment has each variable once', async () => {
    const answer = await curl('-H', 'X-One: 1', '-H', 'X-One: 2', server.url('/program/environ'));
    const names = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, line.indexOf('=')));
    expect(new Set(names).size).toBe(names.length);
    expect(answer.text).toContain('\nHTTP_X_ONE=1, 2\n');
    expect(answer.text).toMatch(/^GATEWAY_INTERFACE=CGI\/1\.1$/m);
  });

  test('a status of its own, and two cookies', async () => {
    const answer = await curl(server.url('/program/status'));
    expect([answer.status, answer.reason, answer.text]).toEqual([299, 'Whatever', 'body']);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test.each([
    { place: 'crash', said: /XGI_CGI_SIGNAL.*program was killed by SIGSEGV before it had sent a head/ },
    {
      place: 'silent',
      said: /XGI_CGI_NO_HEAD.*program ended without output|XGI_CGI_NO_HEAD.*program: .*ended without output/,
    },
    { place: 'no-head', said: /XGI_CGI_BAD_HEAD.*Hello, world!/ },
  ])('$place: 502, and the log says why', async ({ place, said }) => {
    const answer = await curl(server.url(`/program/${place}`));
    expect(answer.status).toBe(502);
    expect(answer.text).not.toMatch(/SIGSEGV|crash|Hello/);
    await server.waitForOutput(said);
  });

  test('an answer that a crash cuts off is not taken for a whole one', async () => {
    await expect(curl(server.url('/program/abort'))).rejects.toThrow(/curl: \((18|56)\)/);
    await server.waitForOutput(
      /XGI_CGI_TRUNCATED.*program was killed by SIGABRT before its answer was complete/,
    );
  });
});
