/** Nothing is left running, and nothing that was accepted is lost: the built command line and its processes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive, pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { WsgiClient, request } from '../support/wsgi-client.js';
import { allEnded, python, wsgiFixtures } from '../support/wsgi-site.js';
import { spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';

let directory: string;
let server: XgiServer | undefined;

beforeEach(() => {
  directory = makeTempDir();
});

afterEach(async () => {
  server?.child.kill('SIGKILL');
  await server?.exited;
  await allEnded(server?.workerPids ?? []);
  server = undefined;
  removeTempDir(directory);
});

const inDirectory = (name: string): string => path.join(directory, name);

function args(target: string, flags: readonly string[]): string[] {
  return ['wsgi', target, '--chdir', wsgiFixtures, '--python', python, ...flags];
}

function environment(): Record<string, string> {
  // What xgi makes for itself lies in a folder of its own, so that what it leaves is seen.
  return { TEST_DIR: directory, TMPDIR: directory, PYTHONDONTWRITEBYTECODE: '1' };
}

async function start(target: string, ...flags: string[]): Promise<XgiServer> {
  server = await startXgi(args(target, flags), { env: environment() });
  return server;
}

/** The folder of control sockets is the user's, and stays. */
const privateFolders = (): string[] =>
  readdirSync(directory).filter((name) => name.startsWith('xgi-') && !name.startsWith('xgi-control-'));

describe('when the gateway is killed', () => {
  test('idle workers exit', async () => {
    const { port, child, workerPids } = await ready(await start('conformance:app', '-w', '2'), 2);
    expect((await request(port, '/one_block')).status).toBe(200);
    child.kill('SIGKILL');
    await allEnded(workerPids);
  });

  test.each(['/sleeps', '/loops', '/swallows_everything'])('a worker in %s exits as well', async (target) => {
    const running = await ready(await start('overruns:app', '-w', '2'), 2);
    const stuck = request(running.port, target).catch(() => undefined);
    // The other worker is the one that answers while this one runs.
    await pollUntil(async () => (await request(running.port, '/')).status === 200);
    running.child.kill('SIGKILL');
    await stuck;
    await allEnded(running.workerPids);
  });
});

/** All workers have been started and the application is loaded: requests are answered. */
async function ready(running: XgiServer, workers: number): Promise<XgiServer> {
  await pollUntil(() => running.workerPids.length === workers);
  expect((await request(running.port, '/')).status).toBe(200);
  return running;
}

describe('SIGTERM', () => {
  test.each([1, 4])(
    'under load, with %d thread(s): every request that was accepted is answered, exit status 0',
    async (threads) => {
      const running = await ready(await start('conformance:app', '-w', '2', '--threads', String(threads)), 2);
      let answered = 0;
      let sent = 0;
      let refused = 0;
      let reset = 0;
      let stoppedAtMs = Infinity;
      const clients = Array.from({ length: 16 }, async (_, i) => {
        const target = i % 4 === 0 ? '/describe_body?load' : '/one_block';
        const body = i % 4 === 0 ? 'x'.repeat(i % 8 === 0 ? 100_000 : 100) : '';
        for (;;) {
          const client = new WsgiClient(running.port);
          const connected = await new Promise<boolean>((resolve) => {
            client.socket.once('connect', () => resolve(true));
            client.socket.once('error', () => resolve(false));
          });
          if (!connected) {
            refused++;
            return;
          }
          const connectedAtMs = performance.now();
          // Several on one connection, until the server closes it.
          for (let nth = 1; ; nth++) {
            client.send(
              `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
            );
            sent++;
            const answer = await client.answer().catch((error: Error) => error);
            if (answer instanceof Error) {
              client.close();
              // A connection that the kernel made in the moment in which the listener is closed: no program ever sees it.
              if (nth === 1 && connectedAtMs > stoppedAtMs) {
                sent--;
                reset++;
                break;
              }
              throw new Error(
                `request ${nth} of a connection was lost after ${answered} answers: ${answer.message}`,
              );
            }
            expect(answer.status).toBe(200);
            answered++;
            if (answer.headers.get('connection') === 'close') break;
          }
          client.close();
        }
      });
      const all = Promise.all(clients);
      await pollUntil(() => answered > 500, { what: '500 answers' });
      stoppedAtMs = performance.now();
      running.child.kill('SIGTERM');
      await all;
      const exit = await running.exited;
      expect(exit).toEqual({ code: 0, signal: null });
      expect(answered).toBe(sent);
      expect(refused).toBe(16);
      await allEnded(running.workerPids);
      expect(privateFolders()).toEqual([]);
      console.log(
        `SIGTERM under load, ${threads} thread(s): ${sent} requests sent, ${answered} answered, ${reset} connections reset after the signal`,
      );
    },
  );

  test('requests that run and requests that wait are answered first', async () => {
    const running = await ready(await start('records_runs:app', '-w', '1'), 1);
    const answers = Array.from({ length: 5 }, (_, i) => request(running.port, `/sleep?${i}`));
    // Connections are taken in order: when this one is answered, by the gateway itself, the others have come.
    const last = new WsgiClient(running.port);
    last.send('GET / HTTP/9.9\r\n\r\n');
    expect((await last.answer()).status).toBe(505);
    last.close();
    running.child.kill('SIGTERM');
    expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
    expect(await running.exited).toEqual({ code: 0, signal: null });
    expect(privateFolders()).toEqual([]);
  });

  test('while the application is being imported: at once', async () => {
    const running = await start('loads_when_told:app', '-w', '2');
    await pollUntil(() => running.workerPids.length === 2);
    const beganAtMs = performance.now();
    await running.stop('SIGTERM');
    expect(performance.now() - beganAtMs).toBeLessThan(10_000);
    await allEnded(running.workerPids);
    expect(privateFolders()).toEqual([]);
  });

  test.each([
    ['waits for its answer', false],
    ['has gone, and only the worker is waited for', true],
  ])('a second signal ends it at once, with nothing left behind: the client %s', async (_what, gone) => {
    const running = await ready(await start('records_runs:app', '-w', '2'), 2);
    const client = new WsgiClient(running.port);
    client.send('GET /hang?stuck HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => readFileSync(inDirectory('runs'), 'utf8').includes('stuck'));
    if (gone) client.reset();
    running.child.kill('SIGTERM');
    await running.waitForOutput(/Handling signal: term/);
    // Idle connections are closed, idle workers leave; the one that hangs is what is left.
    if (gone) await pollUntil(() => running.workerPids.filter((pid) => isAlive(pid)).length === 1);
    const exit = await running.stop('SIGINT', 5000);
    expect(exit.code).toBe(1);
    client.close();
    await allEnded(running.workerPids);
    expect(privateFolders()).toEqual([]);
  });
});

describe('requests that come while the application is being imported', () => {
  test('wait for it', async () => {
    const running = await start('loads_when_told:app', '-w', '2');
    const answers = Array.from({ length: 10 }, () => request(running.port, '/one_block'));
    await pollUntil(() => running.workerPids.length === 2);
    writeFileSync(inDirectory('load'), '');
    expect((await Promise.all(answers)).map((answer) => answer.body.toString())).toEqual(
      answers.map(() => 'hello'),
    );
    await running.stop();
  });
});

describe('an application that cannot be loaded', () => {
  test.each([
    ['no_such_module:app', /there is no module no_such_module/],
    ['conformance:nothing', /nothing/],
    ['loads_in_one_worker:app', /only one can load/],
  ])('%s: exit status 3, and no process and no file is left', async (target, reason) => {
    server = spawnXgi(args(target, ['-w', '3', '-b', '127.0.0.1:0']), { env: environment() });
    const exit = await server.exited;
    expect(exit, server.output).toEqual({ code: 3, signal: null });
    expect(server.output).toMatch(reason);
    const pids = server.workerPids;
    expect(pids).toHaveLength(3);
    expect(pids.filter((pid) => isAlive(pid))).toEqual([]);
    expect(privateFolders()).toEqual([]);
  });

  test('an interpreter that ends at once: exit status 3 as well', async () => {
    server = spawnXgi(
      ['wsgi', 'conformance:app', '--chdir', wsgiFixtures, '--python', '/bin/false', '-b', '127.0.0.1:0'],
      {
        env: environment(),
      },
    );
    const exit = await server.exited;
    expect([2, 3], server.output).toContain(exit.code);
    expect(privateFolders()).toEqual([]);
  });
});
