import { request } from 'node:http';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { RawClient } from '../../support/http-client.js';
import { pollUntil } from '../../support/poll.js';
import { makeTempDir } from '../../support/temp-dir.js';
import { FakeLog, FakeService, open, sampleStatus } from './steered.js';

let socketPath: string;
let service: FakeService;

beforeEach(() => {
  socketPath = path.join(makeTempDir(), 's');
  service = new FakeService();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: unknown;
  readonly headers: NodeJS.Dict<string | string[]>;
}

async function ask(method: string, url: string, body?: string | object): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const client = request({ socketPath, method, path: url, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        const json: unknown = text === '' ? undefined : JSON.parse(text);
        resolve({ status: response.statusCode!, text, json, headers: response.headers });
      });
      response.on('error', reject);
    });
    client.on('error', reject);
    client.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

describe('the commands', () => {
  test('GET /status', async () => {
    await open(socketPath, { steered: service });
    const answer = await ask('GET', '/status?pretty');
    expect(answer).toMatchObject({ status: 200, json: sampleStatus });
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.text).toMatch(/^\{.*\}\n$/);
  });

  test('POST /reload waits for the outcome', async () => {
    let finish!: (outcome: { ok: true }) => void;
    service.outcome = new Promise((resolve) => (finish = resolve));
    await open(socketPath, { steered: service, timeouts: { idleMs: 50, requestMs: 50 } });
    const answer = ask('POST', '/reload');
    await pollUntil(() => service.calls.length > 0);
    // Longer than any deadline of the server.
    setTimeout(() => finish({ ok: true }), 200);
    expect(await answer).toMatchObject({ status: 200, json: { ok: true } });
  });

  test('a reload that failed says why', async () => {
    const failure = { code: 'XGI_APP_RAISED', message: 'it raised', traceback: 'Traceback' };
    service.outcome = Promise.resolve({ ok: false, failure });
    await open(socketPath, { steered: service });
    expect(await ask('POST', '/reload')).toMatchObject({ status: 409, json: { ok: false, failure } });
  });

  test.each([
    ['4', { min: 4, max: 4 }],
    [4, { min: 4, max: 4 }],
    ['2..8', { min: 2, max: 8 }],
    [1024, { min: 1024, max: 1024 }],
  ])('POST /scale %j', async (workers, range) => {
    await open(socketPath, { steered: service });
    expect(await ask('POST', '/scale', { workers })).toMatchObject({
      status: 200,
      json: { ok: true, workers: range },
    });
    expect(service.calls).toEqual([range]);
  });

  test.each(['0', 0, -1, 1.5, '8..2', '1025', 'four', '', null, true, [4], { min: 1 }, undefined])(
    'POST /scale %j is refused',
    async (workers) => {
      await open(socketPath, { steered: service });
      expect(await ask('POST', '/scale', { workers })).toMatchObject({
        status: 400,
        json: {
          code: 'XGI_CONTROL_VALUE',
          message: `workers: expected a whole number from 1 to 1024, or MIN..MAX, received ${JSON.stringify(workers) ?? 'nothing'}`,
        },
      });
      expect(service.calls).toEqual([]);
    },
  );

  test('POST /scale: what the service refuses is told', async () => {
    service.scaleError = new ConfigError('XGI_CONFIG_VALUE', 'too few for 4 gateways');
    await open(socketPath, { steered: service });
    expect(await ask('POST', '/scale', { workers: 1 })).toMatchObject({
      status: 400,
      json: { code: 'XGI_CONFIG_VALUE', message: 'too few for 4 gateways' },
    });
  });

  test.each([
    [undefined, false],
    ['', false],
    [{}, false],
    [{ quick: false }, false],
    [{ quick: true }, true],
  ])('POST /stop %j answers, then stops', async (body, quick) => {
    const log = new FakeLog();
    await open(socketPath, { steered: service, log });
    expect(await ask('POST', '/stop', body)).toMatchObject({ status: 202, json: { ok: true } });
    await pollUntil(() => service.calls.length > 0);
    expect(service.calls).toEqual([{ quick }]);
    expect(log.lines).toEqual([`info: Handling control command: stop${quick ? ' --quick' : ''}`]);
  });

  test('POST /stop {"quick": 1} is refused', async () => {
    await open(socketPath, { steered: service });
    expect(await ask('POST', '/stop', { quick: 1 })).toMatchObject({
      status: 400,
      json: { code: 'XGI_CONTROL_VALUE', message: 'quick: expected true or false, received 1' },
    });
    expect(service.calls).toEqual([]);
  });
});

describe('wrong requests', () => {
  test.each([
    ['GET', '/', 404],
    ['GET', '/statusx', 404],
    ['GET', '/constructor', 404],
    ['POST', '/status', 405],
    ['HEAD', '/status', 405],
    ['GET', '/stop', 405],
    ['PUT', '/scale', 405],
  ])('%s %s: %d', async (method, url, status) => {
    await open(socketPath, { steered: service });
    const answer = await ask(method, url);
    expect(answer.status).toBe(status);
    if (method !== 'HEAD')
      expect(answer.json).toEqual({
        code: status === 404 ? 'XGI_CONTROL_NOT_FOUND' : 'XGI_CONTROL_METHOD',
        message: expect.any(String) as string,
      });
    expect(answer.headers['allow']).toBe(status === 404 ? undefined : url === '/status' ? 'GET' : 'POST');
    expect(service.calls).toEqual([]);
  });

  test.each(['{', '4', 'null', '[]', '"x"', 'workers=4'])('the body %s', async (body) => {
    await open(socketPath, { steered: service });
    for (const url of ['/scale', '/stop', '/reload']) {
      expect(await ask('POST', url, body)).toMatchObject({ status: 400, json: { code: 'XGI_CONTROL_JSON' } });
    }
    expect(service.calls).toEqual([]);
  });

  test('what the service throws is answered, and logged as a bug', async () => {
    const log = new FakeLog();
    service.status = () => Promise.reject(new TypeError('oops'));
    await open(socketPath, { steered: service, log });
    expect(await ask('GET', '/status')).toMatchObject({
      status: 500,
      json: { code: 'XGI_CONTROL_FAILED', message: 'oops' },
    });
    expect(log.lines).toEqual(['error: XGI_CONTROL_FAILED: a control command failed: this is a bug in xgi']);
  });
});

describe('hostile and slow clients', () => {
  const quick = { requestMs: 100, idleMs: 200, closeMs: 50 };

  test('a body of more than 16 KiB: 413, announced or not', async () => {
    await open(socketPath, { steered: service });
    for (const framing of ['Content-Length: 20000000\r\n', 'Transfer-Encoding: chunked\r\n']) {
      const client = await RawClient.connect(socketPath);
      client.send(`POST /scale HTTP/1.1\r\nHost: x\r\n${framing}\r\n4e20\r\n${'x'.repeat(20_000)}`);
      const answer = await client.rest();
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('"code":"XGI_CONTROL_TOO_LARGE"');
    }
    expect((await ask('GET', '/status')).status).toBe(200);
  });

  test.each([
    ['nothing', ''],
    ['half a head', 'GET /status HTTP/1.1\r\nHo'],
    ['half a body', 'POST /stop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{'],
  ])('a client that sends %s is sent away', async (_, text) => {
    await open(socketPath, { steered: service, timeouts: quick });
    const client = await RawClient.connect(socketPath);
    client.send(text);
    expect(await client.rest()).toMatch(/^($|HTTP\/1\.1 408 )/);
    expect(service.calls).toEqual([]);
  });

  test('a status that is never told: 503', async () => {
    service.status = () => new Promise(() => {});
    await open(socketPath, { steered: service, timeouts: { statusMs: 50 } });
    expect(await ask('GET', '/status')).toMatchObject({ status: 503, json: { code: 'XGI_CONTROL_TIMEOUT' } });
  });

  test('a client that does not read a large answer is sent away', async () => {
    service.status = () => Promise.resolve({ ...sampleStatus, target: 'x'.repeat(4_000_000) });
    await open(socketPath, { steered: service, timeouts: quick });
    const client = await RawClient.connect(socketPath);
    client.socket.pause();
    client.send('GET /status HTTP/1.1\r\nHost: x\r\n\r\n');
    let closed = false;
    client.socket.on('close', () => (closed = true));
    // A write fails when the server has closed its end.
    await pollUntil(() => {
      client.send('x');
      return client.error !== undefined || closed;
    });
    expect((await ask('GET', '/status')).status).toBe(200);
  });

  test('pipelined requests: one is answered', async () => {
    let asked = 0;
    service.status = () => {
      asked += 1;
      return Promise.resolve(sampleStatus);
    };
    await open(socketPath, { steered: service });
    const client = await RawClient.connect(socketPath);
    client.send('GET /status HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000));
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 200 /);
    expect(asked).toBe(1);
  });

  test('more connections than it has room for do not keep others out for long', async () => {
    await open(socketPath, { steered: service, timeouts: quick });
    for (let i = 0; i < 40; i += 1) await RawClient.connect(socketPath);
    const answer = await pollUntil(() => ask('GET', '/status'));
    expect(answer.status).toBe(200);
  });

  test('close with open connections, one of which waits for a reload', async () => {
    service.outcome = new Promise(() => {});
    const control = await open(socketPath, { steered: service, timeouts: { closeMs: 50 } });
    const idle = await RawClient.connect(socketPath);
    const reloading = await RawClient.connect(socketPath);
    reloading.send('POST /reload HTTP/1.1\r\nHost: x\r\n\r\n');
    await pollUntil(() => service.calls.length > 0);
    await Promise.all([control.close(), control.close()]);
    expect(await idle.rest()).toBe('');
    expect(await reloading.rest()).toBe('');
    await expect(RawClient.connect(socketPath)).rejects.toThrow('ENOENT');
  });

  test('close lets an answer finish', async () => {
    let finish!: (outcome: { ok: true }) => void;
    service.outcome = new Promise((resolve) => (finish = resolve));
    const control = await open(socketPath, { steered: service, timeouts: { closeMs: 5000 } });
    const answer = ask('POST', '/reload');
    await pollUntil(() => service.calls.length > 0);
    const closed = control.close();
    finish({ ok: true });
    expect((await answer).status).toBe(200);
    await closed;
  });
});
