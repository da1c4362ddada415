/**
 * Workers that die: the request that was running gets 502, and only that one; every other one is answered, and run once. A
 * finished answer of a safe request that the worker had not sent yet may be made again (docs/protocol.md).
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive, pollUntil } from '../support/poll.js';
import { WsgiClient, request, type RawAnswer } from '../support/wsgi-client.js';
import { TestJob } from '../support/wsgi-job.js';
import { startSite, wsgiFixtures, type Site, type SiteOptions } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  site = await startSite({ target: 'records_runs:app', ...options });
  return site;
}

const send = (target: string, method = 'GET'): Promise<RawAnswer> =>
  request(site.port, target, { method, body: method === 'POST' ? 'body' : '' });

/** The ids of the requests that were run, in order. */
function runs(): string[] {
  return readFileSync(path.join(site.directory, 'runs'), 'utf8').trimEnd().split('\n');
}

/** Makes the application known as quick, so that requests are sent ahead at full depth. */
async function warmUp(): Promise<void> {
  const client = new WsgiClient(site.port);
  for (let i = 0; i < 300; i++) {
    client.send('GET /quick?warm HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.answer();
  }
  client.close();
}

function expectOnce(ids: readonly string[]): void {
  const counts = new Map<string, number>();
  for (const id of runs()) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect(ids.map((id) => [id, counts.get(id) ?? 0])).toEqual(ids.map((id) => [id, 1]));
}

/** Whether the process has ended and nobody has been told. Where there is no /proc: never. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

const MANY = Array.from({ length: 40 }, (_, i) => `n${i}`);

describe.each(['GET', 'POST'])('SIGKILL while a %s runs and others wait', (method) => {
  test.each([1, 2])('%d worker(s): 502 for it, answers for all others, each run once', async (workers) => {
    await start({ workers });
    await warmUp();
    const held = send('/hang?held', method);
    const others = MANY.map((id) => send(`/quick?${id}`, method));
    await pollUntil(() => runs().includes('held'));
    const pid = await pollUntil(async () => {
      // The worker that hangs is the one that does not answer: with two workers, every answer names the other.
      if (workers === 1) return site.supervisor.pids[0];
      const alive = Number((await send('/quick?probe')).body.toString());
      return site.supervisor.pids.find((one) => one !== alive);
    });
    process.kill(pid, 'SIGKILL');
    expect((await held).status).toBe(502);
    expect((await Promise.all(others)).map((answer) => answer.status)).toEqual(MANY.map(() => 200));
    expectOnce(['held', ...MANY]);
    expect(site.log.matching(/XGI_WORKER_DIED/)).toHaveLength(1);
  });
});

describe('a worker that ends inside a request', () => {
  test.each(['/exit', '/kill', '/segfault'])(
    'POST %s: 502 for it alone, every other POST is run once',
    async (target) => {
      await start({ workers: 2 });
      await warmUp();
      const before = MANY.slice(0, 20).map((id) => send(`/quick?${id}`, 'POST'));
      const bad = send(`${target}?bad`, 'POST');
      const after = MANY.slice(20).map((id) => send(`/quick?${id}`, 'POST'));
      expect((await bad).status).toBe(502);
      const statuses = (await Promise.all([...before, ...after])).map((answer) => answer.status);
      expect(statuses).toEqual(MANY.map(() => 200));
      expectOnce(['bad', ...MANY]);
    },
  );

  test.each(['/exit', '/kill', '/segfault'])(
    'GET %s: 502 for it alone, every other is answered',
    async (target) => {
      await start({ workers: 2 });
      await warmUp();
      const before = MANY.slice(0, 20).map((id) => send(`/quick?${id}`));
      const bad = send(`${target}?bad`);
      const after = MANY.slice(20).map((id) => send(`/quick?${id}`));
      expect((await bad).status).toBe(502);
      const statuses = (await Promise.all([...before, ...after])).map((answer) => answer.status);
      expect(statuses).toEqual(MANY.map(() => 200));
      expectOnce(['bad']);
    },
  );

  test('several at once in threads mode: those that ran get 502, those that waited are run by the next worker', async () => {
    await start({ threads: 4 });
    const held = ['a', 'b', 'c'].map((id) => send(`/hang?${id}`, 'POST'));
    await pollUntil(() => runs().length === 3);
    const bad = send('/exit?bad', 'POST');
    const after = MANY.map((id) => send(`/quick?${id}`, 'POST'));
    expect((await Promise.all([...held, bad])).map((answer) => answer.status)).toEqual([502, 502, 502, 502]);
    expect((await Promise.all(after)).map((answer) => answer.status)).toEqual(MANY.map(() => 200));
    expectOnce(['a', 'b', 'c', 'bad', ...MANY]);
  });

  test('what it had sent before it died is read, also when something is written to it after its death', async () => {
    const env = { XGI_TEST_HOSTILE: 'answer-then-exit' };
    await start({ python: path.join(wsgiFixtures, 'hostile_worker.py'), threads: 2, env });
    const pid = site.supervisor.pids[0]!;
    const answered = new TestJob({ method: 'POST' });
    const late = new TestJob({ method: 'POST', arrivedAtMs: performance.now() });
    site.supervisor.submit(answered);
    await pollUntil(() => existsSync(path.join(site.directory, 'running')), { everyMs: 1 });
    writeFileSync(path.join(site.directory, 'behave'), '');
    // From here on inside a turn of the loop that has looked for input already: what is written now leaves before the next look.
    await readFile(path.join(site.directory, 'running'));
    // The gateway is busy while the worker answers and exits, and a frame for it is what it has to write next.
    site.supervisor.submit(late);
    const endMs = performance.now() + 2000;
    while (!isZombie(pid) && performance.now() < endMs);
    expect(await answered.over).toBe('200 OK');
    expect(await late.over).toBe('200 OK');
  });

  test('in the middle of a streamed answer: the client sees a truncation', async () => {
    await start();
    const answer = await send('/exit-while-streaming?x');
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('first block');
    expect(answer.complete).toBe(false);
  });
});

describe('replacement', () => {
  test('a worker that dies idle is replaced at once', async () => {
    await start({ workers: 2 });
    const [first] = site.supervisor.pids;
    process.kill(first!, 'SIGKILL');
    await pollUntil(() => site.supervisor.pids.length === 2 && !site.supervisor.pids.includes(first!));
    expect(isAlive(first!)).toBe(false);
    expect((await send('/quick?x')).status).toBe(200);
  });

  test('requests wait while the only worker is being replaced', async () => {
    await start();
    process.kill(site.supervisor.pids[0]!, 'SIGKILL');
    const answers = await Promise.all(MANY.map((id) => send(`/quick?${id}`, 'POST')));
    expect(answers.map((answer) => answer.status)).toEqual(MANY.map(() => 200));
    expectOnce(MANY);
  });

  test('after an answer that is complete: the next request on that connection is answered', async () => {
    await start({ target: 'conformance:app' });
    const client = new WsgiClient(site.port);
    client.send('GET /dies_in_close HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer()).body.toString()).toBe('whole');
    client.send('GET /one_block HTTP/1.1\r\nHost: a\r\n\r\n');
    writeFileSync(path.join(site.directory, 'may-die'), '');
    expect((await client.answer()).body.toString()).toBe('hello');
    expect(site.log.matching(/signal SIGKILL/).length).toBeGreaterThan(0);
    client.close();
  });

  test('an application that stops loading: pauses grow, the others go on, and it is served again when it is mended', async () => {
    await start({ target: 'fails_to_boot_later:app', workers: 2 });
    const broken = path.join(site.directory, 'broken');
    writeFileSync(broken, '');
    const [first, second] = site.supervisor.pids;
    process.kill(first!, 'SIGKILL');
    // The first attempt follows at once, the others after 0.1, 0.2 and 0.4 seconds.
    const failed = (): number => site.log.matching(/XGI_APP_RAISED/).length;
    await pollUntil(async () => {
      expect((await send('/quick?x')).body.toString()).toBe(String(second));
      return failed() >= 4;
    });
    expect(
      site.log
        .matching(/another is started in [0-9.]+ s/)
        .map(({ message }) => / in ([0-9.]+) s/.exec(message)![1])
        .slice(0, 2),
    ).toEqual(['0.1', '0.2']);
    expect(site.log.text).toContain('this version cannot be imported');
    rmSync(broken);
    await pollUntil(() => site.log.matching(/is ready/).length === 3, { what: 'a new worker' });
    expect(isAlive(second!)).toBe(true);
  });

  test('a worker that cannot be started at all ends nothing', async () => {
    await start({ workers: 2 });
    const [first, second] = site.supervisor.pids;
    // What tidies temporary folders up takes the place away where a new worker would be met.
    rmSync(site.supervisor.folder, { recursive: true });
    process.kill(first!, 'SIGKILL');
    await site.log.waitFor(/XGI_WORKER_SPAWN/);
    expect((await send('/quick?x')).body.toString()).toBe(String(second));
  });
});
