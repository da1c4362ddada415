import path from 'node:path';
import { expect, test } from 'vitest';
import { describeUncaught } from '../../../src/service/uncaught.js';
import { repository } from '../../support/paths.js';

const BUG = 'nothing caught an exception: this is a bug in xgi, and it stops';
const ours = path.join(repository, 'src/server/connection.js');
const library = path.join(repository, 'node_modules/pino/pino.js');

function describeStack(message: string, ...frames: string[]): string {
  const error = new Error(message);
  error.stack = [`Error: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return describeUncaught(error, 'it stops');
}

test.each([
  ['of ours', [`Connection.#open (${ours}:1:2)`]],
  ['of a library that we call', [`log (${library}:1:2)`, `Connection.#open (file://${ours}:1:2)`]],
  [
    'of nobody, where there is no code but ours',
    ['TCP.onStreamRead (node:internal/stream_base_commons:1:2)'],
  ],
  ['without a stack', []],
])('%s: a bug in xgi', (_what, frames) => expect(describeStack('boom', ...frames)).toBe(BUG));

test.each([
  ['/srv/a b (c)/app.ts:3:9', 'Timeout._onTimeout (/srv/a b (c)/app.ts:3:9)'],
  ['/srv/app.ts:3:9', '/srv/app.ts:3:9'],
  ['/srv/ä/app.ts:3:9', 'async file:///srv/%C3%A4/app.ts:3:9'],
  ['/srv/app.ts:3:9', 'async Object.fetch (/srv/app.ts:3:9)'],
])('%s is named', (place, frame) => {
  const text = describeStack('boom', 'node:internal/timers:1:2', `emit (${ours}:1:2)`, frame);
  expect(text).toContain(
    `XGI_APP_UNCAUGHT: nothing caught an exception of the application, or of middleware of your own (${place})`,
  );
});

test.each([['a text'], [undefined], [null], [{ stack: 5 }]])('what is no error: %j', (thrown) =>
  expect(describeUncaught(thrown, 'it stops')).toBe(BUG),
);

test('a message cannot pretend to be a frame', () => {
  expect(describeStack('x\n    at app (/srv/app.ts:1:2)', `Connection.#open (${ours}:1:2)`)).toBe(BUG);
});
