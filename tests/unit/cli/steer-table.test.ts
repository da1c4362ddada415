import { describe, expect, test } from 'vitest';
import { formatStatus, type Paint } from '../../../src/cli/steer-table.js';
import type { GatewayStatus, ServiceStatus } from '../../../src/service/status.js';
import type { FailureStatus, WorkerStatus } from '../../../src/workers/status.js';

const plain: Paint = (_, text) => text;

const worker: WorkerStatus = {
  pid: 4712,
  state: 'ready',
  generation: 2,
  ageMs: 192_000,
  requests: 1234,
  rssBytes: 47_395_635,
  running: [],
  ahead: 0,
};

const gateway: GatewayStatus = {
  pid: 4711,
  connections: 12,
  requests: 1234,
  generation: 2,
  bootFailure: null,
  queue: { waiting: 0, oldestMs: 0 },
  workers: [worker],
  totals: {
    requests: 1234,
    timeouts: 0,
    queueTimeouts: 0,
    died: 0,
    booted: 1,
    crashed: 0,
    recycled: 0,
  },
};

const service: ServiceStatus = {
  version: '1.2.3',
  pid: 4711,
  state: 'ready',
  uptimeMs: 18_000_000,
  target: 'shop.wsgi:application',
  listening: ['http://127.0.0.1:8000', 'unix:/run/shop.sock'],
  workers: { min: 1, max: 4 },
  lastReload: null,
  gateways: [gateway],
};

test('a service at rest', () => {
  expect(formatStatus(service, plain)).toBe(`\
xgi 1.2.3  ready  pid 4711  up 5h 0m
  target       shop.wsgi:application
  listening    http://127.0.0.1:8000
               unix:/run/shop.sock
  workers      1..4, 1 ready

gateway 4711  12 connections, none waiting; 1,234 requests, 1 worker started
   PID  STATE  GEN     AGE  REQUESTS     RSS  AHEAD  RUNNING
  4712  ready    2  3m 12s     1,234  45.2mb      0
`);
});

test('files: no workers, and none missing', () => {
  const status: ServiceStatus = {
    ...service,
    target: './public',
    workers: { min: 0, max: 0 },
    gateways: [{ ...gateway, workers: [], totals: { ...gateway.totals, requests: 0, booted: 0 } }],
  };
  expect(formatStatus(status, plain)).toBe(`\
xgi 1.2.3  ready  pid 4711  up 5h 0m
  target       ./public
  listening    http://127.0.0.1:8000
               unix:/run/shop.sock
  workers      none

gateway 4711  12 connections, none waiting; 1,234 requests
`);
});

test('a busy one, after a reload that failed', () => {
  const request = (path: string, runningMs: number) => ({ id: '1-1', method: 'GET', path, runningMs });
  const status: ServiceStatus = {
    ...service,
    state: 'reloading',
    workers: { min: 2, max: 2 },
    lastReload: {
      at: '2026-11-20T16:48:00.000Z',
      ok: false,
      failure: {
        code: 'XGI_APP_RAISED',
        message: 'importing shop.wsgi raised SyntaxError',
        traceback: 'Traceback (most recent call last):\n  File "shop/wsgi.py", line 3\nSyntaxError: oops\n',
      },
    },
    gateways: [
      {
        ...gateway,
        connections: 1,
        queue: { waiting: 3, oldestMs: 420 },
        workers: [
          {
            ...worker,
            running: [request('/b', 20), request('/a', 4250), request('/d', 1), request('/c', 5)],
            ahead: 7,
          },
          { ...worker, pid: null, state: 'booting', requests: 0, rssBytes: null, ageMs: 40 },
          { ...worker, pid: 99, state: 'draining', generation: 1, running: [request('/x'.repeat(50), 1)] },
        ],
        totals: {
          requests: 1234,
          timeouts: 1,
          queueTimeouts: 2,
          died: 3,
          booted: 9,
          crashed: 4,
          recycled: 5,
        },
      },
    ],
  };
  expect(formatStatus(status, plain)).toBe(`\
xgi 1.2.3  reloading  pid 4711  up 5h 0m
  target       shop.wsgi:application
  listening    http://127.0.0.1:8000
               unix:/run/shop.sock
  workers      2, 1 ready, 1 draining, 1 booting
  last reload  2026-11-20T16:48:00.000Z, failed: the old code goes on
               XGI_APP_RAISED: importing shop.wsgi raised SyntaxError
    Traceback (most recent call last):
      File "shop/wsgi.py", line 3
    SyntaxError: oops

gateway 4711  1 connection, 3 waiting, the oldest for 420ms; 1,234 requests, 9 workers started, 1 timed out, 2 waited too long, 3 died with a worker, 4 workers crashed, 5 workers recycled
   PID  STATE     GEN     AGE  REQUESTS     RSS  AHEAD  RUNNING
  4712  ready       2  3m 12s     1,234  45.2mb      7  GET /a 4.2s
                                                        GET /b 20ms
                                                        GET /c 5ms
                                                        and 1 more
     -  booting     2    40ms         0       -      0
    99  draining    1  3m 12s     1,234  45.2mb      0  GET ${'/x'.repeat(29)}/… 1ms
`);
});

test('several gateways, one without workers; a reload that succeeded', () => {
  const text = formatStatus(
    {
      ...service,
      lastReload: { at: '2026-11-20T16:48:00.000Z', ok: true },
      gateways: [gateway, { ...gateway, pid: 4720, workers: [] }],
    },
    plain,
  );
  expect(text).toContain('  last reload  2026-11-20T16:48:00.000Z\n');
  expect(text).toContain('workers      1..4, 1 ready\n');
  expect(text).toMatch(/\n\ngateway 4720 {2}.*\n {2}no workers\n$/);
});

test('counts of one are singular, and no workers are none', () => {
  const totals = { ...gateway.totals, crashed: 1, recycled: 1, died: 1 };
  const text = formatStatus(
    { ...service, gateways: [{ ...gateway, requests: 1, workers: [], totals }] },
    plain,
  );
  expect(text).toContain('  workers      1..4, none running\n');
  expect(text).toContain(
    '; 1 request, 1 worker started, 1 died with a worker, 1 worker crashed, 1 worker recycled\n',
  );
});

describe('why no worker can load the application', () => {
  const failure: FailureStatus = {
    code: 'XGI_APP_RAISED',
    message: 'importing shop.wsgi raised KeyError',
    traceback: 'Traceback (most recent call last):\nKeyError: 1\n',
  };
  const failing: GatewayStatus = { ...gateway, workers: [], bootFailure: failure };

  test('once, if all gateways say the same', () => {
    const gateways = [failing, { ...failing, pid: 4720, bootFailure: { ...failure } }];
    const text = formatStatus({ ...service, state: 'failing', gateways }, plain);
    expect(text).toMatch(/^xgi 1\.2\.3 {2}failing {2}pid 4711/);
    expect(text).toContain(`\
  workers      1..4, none running
  application  new workers cannot load it
               XGI_APP_RAISED: importing shop.wsgi raised KeyError
    Traceback (most recent call last):
    KeyError: 1

gateway 4711  `);
    expect(text.split('KeyError: 1').length).toBe(2);
  });

  test('for each gateway, if they differ', () => {
    const other = { ...failing, pid: 4720, bootFailure: { ...failure, message: 'other', traceback: '' } };
    const text = formatStatus({ ...service, gateways: [failing, other, gateway] }, plain);
    expect(text).toContain('    KeyError: 1\n  no workers\n');
    expect(text).toMatch(
      /\ngateway 4720 .*\n {2}application {2}new workers cannot load it\n {15}XGI_APP_RAISED: other\n {2}no workers\n/,
    );
    expect(text.split('cannot load').length).toBe(3);
  });
});

test('what requests and programs say cannot steer the terminal', () => {
  const evil = '\x1b[2J\r\n\u202e';
  const text = formatStatus(
    {
      ...service,
      version: evil,
      state: evil as 'ready',
      target: evil,
      listening: [evil],
      lastReload: {
        at: evil,
        ok: false,
        failure: { code: evil, message: evil, traceback: `${evil}\n${evil}` },
      },
      gateways: [
        {
          ...gateway,
          bootFailure: { code: evil, message: evil, traceback: evil },
          workers: [{ ...worker, running: [{ id: evil, method: evil, path: evil, runningMs: 1 }] }],
        },
      ],
    },
    plain,
  );
  // oxlint-disable-next-line no-control-regex -- what must not be there
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  expect(text.split('\n').filter((line) => line.startsWith('gateway')).length).toBe(1);
});

test('colours do not move the columns', () => {
  const marked = formatStatus(service, (format, text) => `<${format}>${text}</>`);
  expect(marked).toContain('<bold>xgi 1.2.3</>  <green>ready</>');
  expect(marked).toContain('  4712  <green>ready</>    2');
  expect(marked.replaceAll(/<[a-z/]+>/g, '')).toBe(formatStatus(service, plain));
});
