/** `xgi app -w N`: a TypeScript application in threads; bodies both ways, aborts, crashes, deadlines, reloads. And what the module may be. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hear, Project } from '../support/cli-project.js';
import { RawClient } from '../support/http-client.js';
import { pollUntil } from '../support/poll.js';
import { untilWatched } from '../support/watched.js';
import { killAllIn, readStatus, runXgi, spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';

const APP = `
import { appendFileSync, existsSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { GatewayError } from 'xgi';
import { word } from './word.ts';

const note = (line: string): void => appendFileSync('notes', line + '\\n');

export default {
  async fetch(request: Request, { clientAddress }) {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case '/echo':
        return new Response(request.body, { headers: { 'x-thread': String(threadId) } });
      case '/crash':
        setTimeout(() => { throw new Error('crashed on purpose'); });
        return await new Promise(() => {});
      case '/hang':
        note('hang');
        return await new Promise(() => request.signal.addEventListener('abort', () => note('aborted')));
      case '/spin':
        for (;;);
      case '/wait':
        note('waiting');
        while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
        return new Response(word);
      case '/stream':
        return new Response(new ReadableStream({
          async pull(controller) {
            controller.enqueue(new TextEncoder().encode('begun'));
            while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
            controller.enqueue(new TextEncoder().encode(', ended'));
            controller.close();
            note('streamed');
          },
        }));
      case '/endless':
        return new Response(new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(65536)),
          cancel: () => note('cancelled'),
        }));
      case '/read':
        note('begun');
        while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
        await request.text().then(note, ({ name }) => note(name));
        return new Response();
      case '/read-late':
        setTimeout(async () => {
          while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
          await request.text().then(note, ({ name }) => note(name));
        });
        return new Response('early');
      case '/take':
        return new Response(await request.text() + ' ' + threadId);
      case '/take-and-hang':
        await request.text();
        note('taken');
        return await new Promise(() => {});
      case '/take-one-and-spin':
        for await (const _ of request.body!) for (;;);
        return new Response();
      case '/fail':
        throw new TypeError('failed on purpose');
      case '/word':
        throw 'only a word';
      case '/refuse':
        throw new GatewayError(401, 'XGI_TEST_REFUSED', 'not you', { fields: ['WWW-Authenticate', 'Test'] });
      default:
        return Response.json({ word, threadId, clientAddress, env: process.env.COLOUR, pathname });
    }
  },
};

export async function close() {
  note('closed');
}
`;

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('app.ts', APP);
  project.write('word.ts', "export const word: string = 'one';\n");
});

afterEach(() => killAllIn(project.directory));

async function start(...flags: string[]): Promise<XgiServer> {
  const server = await startXgi(['app', 'app.ts', ...flags], { cwd: project.directory });
  await server.waitForOutput(/Ready after/);
  return server;
}

function notes(): string {
  try {
    return readFileSync(path.join(project.directory, 'notes'), 'utf8');
  } catch {
    return '';
  }
}

async function workers() {
  const status = await readStatus([], { cwd: project.directory });
  return status!.gateways.flatMap((gateway) => gateway.workers);
}

describe.each([
  ['in the gateway', []],
  ['in threads', ['-w', '2']],
])('%s', (where, flags: readonly string[]) => {
  test('bodies go both ways', async () => {
    const server = await start(...flags);
    const large = 'äb'.repeat(400_000);
    const response = await fetch(server.url('/echo'), { method: 'POST', body: large });
    expect(await response.text()).toBe(large);
    const isThread = where === 'in threads';
    expect(response.headers.get('x-thread') === '0').toBe(!isThread);
    expect(await (await fetch(server.url('/a?b'))).json()).toMatchObject({
      word: 'one',
      pathname: '/a',
      clientAddress: '127.0.0.1',
    });
  });

  test('a body streams through while it comes', async () => {
    const server = await start(...flags);
    const outgoing = httpRequest(server.url('/echo'), { method: 'POST' });
    outgoing.write('first');
    const [incoming] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream];
    const [chunk] = (await once(incoming, 'data')) as [Buffer];
    expect(String(chunk)).toBe('first');
    outgoing.end('last');
    const [second] = (await once(incoming, 'data')) as [Buffer];
    expect(String(second)).toBe('last');
  });

  test('a client that goes is told to all of it that asked', async () => {
    project.write(
      'asks.ts',
      `import { appendFileSync } from 'node:fs';
export default (request) => {
  for (const word of ['one', 'two', 'three']) request.onAbort(() => appendFileSync('notes', word + ' '));
  appendFileSync('notes', 'begun ');
  return new Promise(() => {});
};`,
    );
    const server = await startXgi(['app', 'asks.ts', ...flags], { cwd: project.directory });
    const client = await RawClient.connect(server.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => notes() === 'begun ');
    client.reset();
    await pollUntil(() => notes() === 'begun one two three ');
  });

  test('what it throws is a 500, with the line of its source in the log', async () => {
    const server = await start(...flags);
    const line = APP.split('\n').findIndex((text) => text.includes('failed on purpose')) + 1;
    expect((await fetch(server.url('/fail'))).status).toBe(500);
    await server.waitForOutput(new RegExp(`app\\.ts:${line}:`));
    expect(server.output).toContain(
      'XGI_APP_RAISED: the application or its middleware threw TypeError: failed on purpose',
    );
  });

  test('what it throws need not be an Error; a GatewayError is the answer that it says', async () => {
    const server = await start(...flags);
    expect((await fetch(server.url('/word'))).status).toBe(500);
    await server.waitForOutput(/XGI_APP_RAISED: .* threw a value of type string, which is no Error/);
    const refused = await fetch(server.url('/refuse'));
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Test']);
    expect(await refused.text()).toContain('XGI_TEST_REFUSED: not you');
  });

  test('who reads the body of a client that has gone is told', async () => {
    const server = await start(...flags);
    const client = await RawClient.connect(server.port);
    client.send('POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    await pollUntil(() => notes() === 'begun\n');
    client.reset();
    const another = await RawClient.connect(server.port);
    another.send('POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await pollUntil(() => notes() === 'begun\nbegun\n');
    another.reset();
    // A request behind it has its answer: whatever the gateway says of those two has been said.
    await fetch(server.url('/'));
    project.letGo();
    await pollUntil(() => notes() === 'begun\nbegun\nRemoteProtocolError\nRemoteProtocolError\n');
  });

  test('a client that goes aborts the signal, and cancels the stream', async () => {
    const server = await start(...flags);
    const hanging = await RawClient.connect(server.port);
    hanging.send('GET /hang HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => notes().includes('hang'));
    hanging.reset();
    await pollUntil(() => notes().includes('aborted'));
    const endless = await RawClient.connect(server.port);
    endless.send('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
    await endless.untilText('200 OK');
    endless.reset();
    await pollUntil(() => notes().includes('cancelled'));
  });

  test('a reload takes on the new code; what runs is finished by the old, which is closed then', async () => {
    const server = await start(...flags);
    const waiting = hear(server.url('/wait'));
    await pollUntil(() => notes().includes('waiting'));
    project.write('word.ts', "export const word: string = 'two';\n");
    expect((await runXgi(['reload'], { cwd: project.directory })).code).toBe(0);
    expect(await hear(server.url('/'))).toContain('"two"');
    // Of two threads the one that runs nothing is closed at once.
    const threads = where === 'in threads' ? 2 : 1;
    await pollUntil(() => notes() === 'waiting\n' + 'closed\n'.repeat(threads - 1));
    project.write('go', '');
    expect(await waiting).toBe('one');
    await pollUntil(() => notes() === 'waiting\n' + 'closed\n'.repeat(threads));
    project.write('word.ts', 'throw new Error("no word");\n');
    const failed = await runXgi(['reload'], { cwd: project.directory });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('no word');
    expect(await hear(server.url('/'))).toContain('"two"');
  });

  test.each(['a reload', 'the end'])(
    'an answer that is being sent at %s is sent to its end, and closed is then: the application, and the middleware',
    async (what) => {
      project.write(
        'middleware.ts',
        `import { appendFileSync } from 'node:fs';
        const close = () => appendFileSync('notes', 'middleware closed\\n');
        export default Object.assign((next) => next, { close });\n`,
      );
      project.write(
        'xgi.config.yaml',
        `target: app.ts\nkind: app\nmiddleware: [./middleware.ts]\n${where === 'in threads' ? 'workers: 1\n' : ''}`,
      );
      const server = await startXgi(['-c', 'xgi.config.yaml'], { cwd: project.directory });
      await server.waitForOutput(/Ready after/);
      const client = await RawClient.connect(server.port);
      client.send('GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await client.untilText('begun');
      if (what === 'the end') server.child.kill('SIGTERM');
      else {
        expect((await runXgi(['reload'], { cwd: project.directory })).code).toBe(0);
        expect(await hear(server.url('/'))).toContain('"one"');
      }
      expect(notes()).toBe('');
      project.letGo();
      expect(await client.rest()).toContain(', ended');
      await pollUntil(() => notes().split('\n').length === 4);
      expect(notes()).toMatch(/^streamed\n/);
      expect(notes().split('\n').toSorted()).toEqual(['', 'closed', 'middleware closed', 'streamed']);
    },
  );

  test('--reload sees a change of an imported file', async () => {
    const server = await start(...flags, '--reload');
    await untilWatched(server.pid, project.file('word.ts'));
    project.write('word.ts', "export const word: string = 'seen';\n");
    await pollUntil(async () => (await hear(server.url('/'))).includes('"seen"'));
  });

  test('requests that come while it reloads are all answered, by the one code or the other', async () => {
    const server = await start(...flags, '--reload');
    await untilWatched(server.pid, project.file('word.ts'));
    const seen: string[] = [];
    const words = ['two', 'three'];
    let isOver = false;
    const ask = async (): Promise<void> => {
      while (!isOver) {
        const response = await fetch(server.url('/'), { method: 'POST', body: 'x'.repeat(100_000) });
        seen.push(`${response.status} ${((await response.json()) as { word: string }).word}`);
      }
    };
    const clients = [ask(), ask()];
    for (const word of words) {
      // At once: an editor's half of a file would be another code.
      project.write('next.ts', `export const word: string = '${word}';\n`);
      renameSync(project.file('next.ts'), project.file('word.ts'));
      await Promise.race([
        ...clients,
        pollUntil(() => seen.at(-1) === `200 ${word}`, { deadlineMs: 12_000 }),
      ]);
    }
    isOver = true;
    await Promise.all(clients);
    expect(new Set(seen)).toEqual(new Set(['one', ...words].map((word) => `200 ${word}`)));
  });

  test('the end of the server closes it', async () => {
    const server = await start(...flags);
    server.child.kill('SIGTERM');
    expect((await server.exited).code).toBe(0);
    expect(notes()).toBe('closed\n'.repeat(where === 'in threads' ? 2 : 1));
  });
});

describe('threads', () => {
  test('share the requests, have their environment, and are seen in the status', async () => {
    const server = await start('-w', '2', '-e', 'COLOUR=blue');
    const ids = new Set<number>();
    await pollUntil(async () => {
      const answers = await Promise.all(
        [1, 2, 3, 4].map(async () => await (await fetch(server.url('/'))).json()),
      );
      for (const { threadId, env } of answers as { threadId: number; env: string }[]) {
        ids.add(threadId);
        expect(env).toBe('blue');
      }
      return ids.size === 2;
    });
    const status = await workers();
    expect(status.map(({ thread }) => thread).toSorted()).toEqual([...ids].toSorted());
    expect(status.map(({ state }) => state)).toEqual(['ready', 'ready']);
    expect((await runXgi(['scale', '3'], { cwd: project.directory })).code).toBe(0);
    await pollUntil(async () => (await workers()).filter(({ state }) => state === 'ready').length === 3);
    expect((await runXgi(['scale', '1'], { cwd: project.directory })).code).toBe(0);
    await pollUntil(async () => (await workers()).length === 1);
  });

  test('one that crashes is replaced; what it ran is a 502, and only that', async () => {
    const server = await start('-w', '2');
    const waiting = hear(server.url('/wait'));
    await pollUntil(() => notes().includes('waiting'));
    expect((await fetch(server.url('/crash'))).status).toBe(502);
    await server.waitForOutput(
      /XGI_WORKER_DIED: thread 1\.1 of app\.ts has ended, with 1 requests: crashed on purpose/,
    );
    project.write('go', '');
    expect(await waiting).toBe('one');
    await pollUntil(async () => (await workers()).filter(({ state }) => state === 'ready').length === 2);
    const loop = async (): Promise<void> => expect((await fetch(server.url('/'))).status).toBe(200);
    await Promise.all([loop(), loop(), loop(), loop()]);
  });

  test.each(['/hang', '/spin'])(
    'a request past its deadline is a 504, and its thread is replaced: %s',
    async (target) => {
      const server = await start('-w', '2', '--timeout', '0.5');
      const before = await workers();
      expect((await fetch(server.url(target))).status).toBe(504);
      const kept = before.map(({ thread }) => thread);
      await pollUntil(async () => {
        const now = await workers();
        return (
          now.length === 2 &&
          now.some(({ thread }) => !kept.includes(thread)) &&
          now.every(({ state }) => state === 'ready')
        );
      });
      expect((await fetch(server.url('/'))).status).toBe(200);
    },
  );

  test('who reads a body when the answer has been given is told', async () => {
    const server = await start('-w', '1');
    const client = await RawClient.connect(server.port);
    client.send('POST /read-late HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    expect((await client.response()).body).toBe('early');
    project.letGo();
    await pollUntil(() => notes() === 'RemoteProtocolError\n');
  });

  test('while the client is waited for, its time is not the thread’s', async () => {
    const server = await start('-w', '1', '--timeout', '0.5');
    const client = await RawClient.connect(server.port);
    client.send('POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n');
    const [before] = await workers();
    const running = async () => (await workers()).flatMap((worker) => worker.running);
    await pollUntil(async () => (await running())[0]!.runningMs > 800);
    client.send('ab');
    await pollUntil(async () => (await running())[0]!.runningMs > 1600);
    client.send('cd');
    expect((await client.response()).body).toBe(`abcd ${before!.thread}`);
  });

  test('when its body is there it has its deadline', async () => {
    const server = await start('-w', '1', '--timeout', '0.5');
    expect((await fetch(server.url('/take-and-hang'), { method: 'POST', body: 'x' })).status).toBe(504);
    expect(notes()).toBe('taken\n');
  });

  test('a client that sends on is no sign of life of a thread that takes nothing', async () => {
    const server = await start('-w', '1', '--timeout', '0.5');
    const client = await RawClient.connect(server.port);
    client.send('POST /take-one-and-spin HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
    const trickle = setInterval(() => client.send('x'), 50);
    try {
      await client.untilText('HTTP/1.1 504');
    } finally {
      clearInterval(trickle);
    }
  });

  test('a body that the application does not read stays with the client', async () => {
    const server = await start('-w', '1');
    const response = fetch(server.url('/wait'), { method: 'POST', body: 'x'.repeat(100_000) });
    await pollUntil(() => notes().includes('waiting'));
    project.letGo();
    expect(await (await response).text()).toBe('one');
  });

  test('an application that cannot be loaded stops the start', async () => {
    project.write('word.ts', 'throw new Error("no word");\n');
    const server = spawnXgi(['app', 'app.ts', '-w', '2', '-b', '127.0.0.1:0'], { cwd: project.directory });
    expect((await server.exited).code).toBe(3);
    expect(server.output).toContain('XGI_APP_LOAD');
    expect(server.output).toContain('no word');
  });

  test.each([
    [['-e', 'A=b'], '--env is for a TypeScript application in threads'],
    [['--timeout', '3'], '--timeout is for a TypeScript application in threads'],
    [['-w', '1..3'], 'a number of threads, not a range'],
    [['-w', '1', '--gateways', '2'], 'gateways'],
  ])('%s is refused', async (flags, message) => {
    const server = spawnXgi(['app', 'app.ts', '-b', '127.0.0.1:0', ...flags], { cwd: project.directory });
    expect((await server.exited).code).toBe(2);
    expect(server.output).toContain(message);
  });
});

describe('modules', () => {
  test('two imports of a file in one load are one instance', async () => {
    project.write('state.ts', 'export const state = { count: 0 };\n');
    project.write(
      'other.ts',
      "import { state } from './state.ts';\nexport const add = () => ++state.count;\n",
    );
    project.write(
      'app.ts',
      "import { state } from './state.ts';\nimport { add } from './other.ts';\nexport default { fetch: async () => { add(); return Response.json([state.count, (await import('./state.ts')).state === state]); } };\n",
    );
    const server = await start();
    expect(await hear(server.url('/'))).toBe('[1,true]');
    await runXgi(['reload'], { cwd: project.directory });
    expect(await hear(server.url('/'))).toBe('[1,true]');
  });

  test.each([
    [
      'app.cjs',
      "const { word } = require('./word.cjs');\nmodule.exports = { fetch: () => new Response(word) };\n",
      'word.cjs',
      'exports.word =',
    ],
    [
      'app.ts',
      "import { word } from './word.cjs';\nexport default { fetch: () => new Response(word) };\n",
      'word.cjs',
      'exports.word =',
    ],
  ])('CommonJS, from %s, is fresh after a reload', async (name, text, wordName, assignment) => {
    project.write(name, text);
    project.write(wordName, `${assignment} 'one';\n`);
    const server = await startXgi(['app', name], { cwd: project.directory });
    expect(await hear(server.url('/'))).toBe('one');
    project.write(wordName, `${assignment} 'two';\n`);
    await runXgi(['reload'], { cwd: project.directory });
    expect(await hear(server.url('/'))).toBe('two');
  });

  test.each([[[]], [['-w', '1']]])(
    'an ES module in JavaScript, with a package of its own, is fresh after a reload: %s',
    async (flags) => {
      mkdirSync(project.file('node_modules/dep'), { recursive: true });
      project.write('node_modules/dep/package.json', '{"name":"dep","type":"module","exports":"./index.js"}');
      project.write('node_modules/dep/index.js', "export const dep = 'dep';\n");
      project.write('word.mjs', "export const word = 'one';\n");
      project.write(
        'app.mjs',
        "import { dep } from 'dep';\nimport { word } from './word.mjs';\nconst late = await Promise.resolve('late');\nexport default { fetch: () => new Response(dep + word + late) };\n",
      );
      const server = await startXgi(['app', 'app.mjs', ...flags], { cwd: project.directory });
      expect(await hear(server.url('/'))).toBe('deponelate');
      project.write('word.mjs', "export const word = 'two';\n");
      await runXgi(['reload'], { cwd: project.directory });
      expect(await hear(server.url('/'))).toBe('deptwolate');
      const watching = await startXgi(['app', 'app.mjs', '--reload', ...flags], { cwd: project.directory });
      await untilWatched(watching.pid, project.file('word.mjs'));
      project.write('word.mjs', "export const word = 'three';\n");
      await pollUntil(async () => (await hear(watching.url('/'))) === 'depthreelate');
    },
  );
});
