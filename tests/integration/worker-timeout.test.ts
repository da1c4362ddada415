/** Requests past their deadline: 504, the Python stack in the log, a soft interrupt, and in the end a kill of that worker alone. */
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive, pollUntil } from '../support/poll.js';
import { WsgiClient, request } from '../support/wsgi-client.js';
import { python, startSite, wsgiFixtures, type Site, type SiteOptions } from '../support/wsgi-site.js';
import { startXgi, type XgiServer } from '../support/xgi.js';

const TIMEOUT_MS = 400;

let site: Site | undefined;
let server: XgiServer | undefined;

afterEach(async () => {
  await site?.stop(100);
  await server?.stop();
  site = server = undefined;
});

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  site = await startSite({ target: 'overruns:app', timeoutMs: TIMEOUT_MS, ...options });
  return site;
}

describe('a request that the soft interrupt ends', () => {
  test.each([
    ['/sleeps', 1],
    ['/loops', 1],
    ['/loops', 4],
  ])('%s with %d thread(s): 504 after the timeout, and the worker lives on', async (target, threads) => {
    const at = await start({ threads });
    const { pids } = at.supervisor;
    const beganAtMs = performance.now();
    expect((await request(at.port, target)).status).toBe(504);
    const tookMs = performance.now() - beganAtMs;
    expect(tookMs).toBeGreaterThan(TIMEOUT_MS);
    expect(tookMs).toBeLessThan(TIMEOUT_MS + 10_000);
    expect((await request(at.port, '/')).body.toString()).toBe(String(pids[0]));
    // Longer than the grace before a kill: the worker was really freed, not forgotten.
    await pollUntil(() => performance.now() - beganAtMs > TIMEOUT_MS + 1500);
    expect((await request(at.port, '/')).body.toString()).toBe(String(pids[0]));
  });

  test('the log has the Python stack, with the id that the client was given', async () => {
    const at = await start();
    const { body } = await request(at.port, '/sleeps');
    const stack = await at.log.waitFor(/overruns\.py/);
    expect(stack.message).toMatch(/in sleeps/);
    expect(stack.message).toContain('time.sleep(3600)');
    expect(stack.fields['pid']).toBe(at.supervisor.pids[0]);
    expect(body.toString()).toContain(stack.fields['requestId']);
    expect(at.log.matching(/XGI_APP_TIMEOUT/)).toHaveLength(1);
  });

  test('requests that waited behind it are answered', async () => {
    const at = await start();
    const stuck = request(at.port, '/sleeps');
    await pollUntil(() => at.server.connections === 1);
    const others = Array.from({ length: 10 }, () => request(at.port, '/'));
    expect((await stuck).status).toBe(504);
    // Those that came before the worker was free again waited longer than the timeout allows, or were served.
    for (const { status } of await Promise.all(others)) expect([200, 503]).toContain(status);
    expect((await request(at.port, '/')).status).toBe(200);
  });

  test('in the middle of a streamed answer: it is cut off', async () => {
    const at = await start();
    const { pids } = at.supervisor;
    const answer = await request(at.port, '/stalls_in_stream');
    expect(answer.body.toString()).toBe('first');
    expect(answer.complete).toBe(false);
    expect((await request(at.port, '/')).body.toString()).toBe(String(pids[0]));
  });
});

describe('a request that nothing but a kill ends', () => {
  test.each(['/swallows_everything', '/computes_in_c'])(
    '%s: 504, that worker is replaced, and others are served all the time',
    async (target) => {
      server = await startXgi(
        ['wsgi', 'overruns:app', '-w', '2', '-t', '1s', '--chdir', wsgiFixtures, '--python', python],
        {
          env: { PYTHONDONTWRITEBYTECODE: '1' },
        },
      );
      await pollUntil(async () => (await request(server!.port, '/')).status === 200);
      const stuck = request(server.port, target);
      const seen = new Set<number>();
      let slowestMs = 0;
      await pollUntil(
        async () => {
          const sentAtMs = performance.now();
          // Several at a time, so that no worker is left out.
          const answers = await Promise.all(Array.from({ length: 4 }, () => request(server!.port, '/')));
          slowestMs = Math.max(slowestMs, performance.now() - sentAtMs);
          for (const answer of answers) {
            expect(answer.status).toBe(200);
            seen.add(Number(answer.body.toString()));
          }
          return server!.workerPids.length === 3 && seen.has(server!.workerPids[2]!);
        },
        { what: 'an answer of the new worker', deadlineMs: 20_000 },
      );
      expect((await stuck).status).toBe(504);
      // The stuck one ends after two seconds.
      expect(slowestMs).toBeLessThan(900);
      expect(server.output).toContain('XGI_WORKER_STUCK');
      // What the interpreter's fault handler says.
      // Lines of the gateway may come between its words.
      expect(server.output).toMatch(/Fatal Python error: [\s\S]*Aborted/);
      expect(server.output).toContain(`in ${target.slice(1)}`);
      expect(server.workerPids.slice(0, 2).filter((pid) => isAlive(pid))).toHaveLength(1);
    },
  );
});

describe('a thread that nothing but a kill ends', () => {
  test('its neighbour finishes first, and another worker serves meanwhile', async () => {
    const at = await start({ threads: 2 });
    const [pid] = at.supervisor.pids as [number];
    expect((await request(at.port, '/sleeps')).status).toBe(504);
    // Under way when the worker is given up, a second after the interrupt.
    const neighbour = request(at.port, '/streams_until_told');
    await at.log.waitFor(/XGI_WORKER_STUCK.*is replaced/);
    await pollUntil(async () => (await request(at.port, '/')).body.toString() !== String(pid));
    expect(isAlive(pid)).toBe(true);
    at.write('end');
    expect((await neighbour).body.toString()).toMatch(/^\.+end$/);
    await pollUntil(() => !isAlive(pid));
    expect(at.supervisor.pids).toHaveLength(1);
  });
});

describe('what is not past its deadline', () => {
  test('an answer that goes on and on, longer than the timeout', async () => {
    const at = await start();
    expect((await request(at.port, '/streams_slowly')).body.toString()).toBe('0;1;2;3;4;5;6;7;8;9;');
  });

  test('an answer whose client is slow', async () => {
    const at = await start();
    const client = new WsgiClient(at.port, { readPaused: true });
    client.send('GET /streams_much HTTP/1.1\r\nHost: a\r\n\r\n');
    // The client reads nothing for three times the timeout.
    const untilMs = performance.now() + 3 * TIMEOUT_MS;
    await pollUntil(() => performance.now() > untilMs);
    expect(at.log.text).not.toContain('XGI_APP_TIMEOUT');
    client.socket.resume();
    const answer = await client.answer();
    expect(answer.complete).toBe(true);
    expect(answer.body.length).toBe(256 * 65_536);
    client.close();
  });

  test('an upload that takes longer, also when the worker is busy as it ends', async () => {
    const queueTimeoutMs = 2000;
    const at = await start({ queueTimeoutMs });
    const client = new WsgiClient(at.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n');
    // Longer than it may run, and longer than it may wait.
    const untilMs = performance.now() + TIMEOUT_MS + queueTimeoutMs;
    await pollUntil(() => performance.now() > untilMs);
    const slow = request(at.port, '/streams_slowly');
    await pollUntil(() => at.supervisor.status().workers[0]!.running.length === 1);
    client.send('0123456789');
    expect((await client.answer()).status, at.log.text).toBe(200);
    expect((await slow).complete).toBe(true);
    client.close();
  });
});

describe('a request that no worker is free for', () => {
  test('is answered with 503 after the timeout', async () => {
    const at = await start();
    const stream = new WsgiClient(at.port, { readPaused: true });
    stream.send('GET /streams_much HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => stream.socket.bytesWritten > 0 && at.server.connections === 1);
    // Holds the only worker for as long as it reads nothing.
    const answer = await request(at.port, '/');
    expect(answer.status).toBe(503);
    expect(answer.body.toString()).toContain('XGI_WORKERS_BUSY');
    stream.close();
    await pollUntil(async () => (await request(at.port, '/')).status === 200);
  });
});
