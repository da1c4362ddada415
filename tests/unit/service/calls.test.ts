/** Calls between two ends in this process, which are joined as by a channel: what is sent is JSON, and comes later. */
import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import { BootError, ConfigError, ListenError, XgiError } from '../../../src/errors.js';
import { type Answers, Calls, type Port } from '../../../src/service/calls.js';

class End extends EventEmitter implements Port {
  connected = true;
  other: End | undefined;

  send(message: unknown, sent: () => void): void {
    const text = JSON.stringify(message);
    setImmediate(() => {
      sent();
      this.other?.emit('message', JSON.parse(text));
    });
  }
}

let near: End;
let far: End;

beforeEach(() => {
  near = new End();
  far = new End();
  near.other = far;
  far.other = near;
});

function connect(answers: Answers): Calls {
  const ends = [new Calls(near, {}), new Calls(far, answers)];
  return ends[0]!;
}

test('a call is answered with what the function returns, or resolves to', async () => {
  const calls = connect({
    add: (a: number, b: number) => a + b,
    later: () => Promise.resolve({ ok: true }),
    nothing: () => {},
  });
  const all = [calls.call('add', 1, 2), calls.call('later'), calls.call('nothing'), calls.call('add', 3, 4)];
  expect(await Promise.all(all)).toEqual([3, { ok: true }, undefined, 7]);
});

test('answers may come in another order', async () => {
  let release = (_word: string): void => {};
  const calls = connect({
    slow: () => new Promise((resolve) => (release = resolve)),
    quick: () => 'quick',
  });
  const slow = calls.call('slow');
  expect(await calls.call('quick')).toBe('quick');
  release('slow');
  expect(await slow).toBe('slow');
});

describe('an error', () => {
  test.each([
    [new BootError('XGI_APP_RAISED', 'it raised', { detail: 'Traceback' }), BootError],
    [new ListenError('XGI_LISTEN_IN_USE', 'in use'), ListenError],
    [new ConfigError('XGI_CONFIG_VALUE', 'a.yaml:1:1: wrong'), ConfigError],
    [new XgiError('XGI_STOPPING', 'stopping'), XgiError],
  ])('of ours is the same at the other end: %s', async (error, kind) => {
    const calls = connect({ fail: () => Promise.reject(error) });
    const caught: unknown = await calls.call('fail').catch((reason: unknown) => reason);
    expect(caught).toBeInstanceOf(kind);
    expect(caught).toMatchObject({ code: error.code, message: error.message, detail: error.detail });
  });

  test('of any other kind brings its stack along', async () => {
    const calls = connect({
      fail: () => {
        throw new TypeError('oops');
      },
    });
    await expect(calls.call('fail')).rejects.toMatchObject({
      message: 'oops',
      detail: expect.stringContaining('calls.test.ts') as string,
    });
  });
});

test('a call for what the other end does not know is answered with nothing', async () => {
  expect(await connect({}).call('unknown')).toBeUndefined();
});

test.each([[{}], [{ id: 'x' }], [{ id: 77, value: 1 }], [{ value: 1 }], [{ call: 'add' }], [[]], ['text']])(
  'what is not understood is passed over: %j',
  async (message) => {
    const calls = connect({ add: (a: number) => a + 1 });
    near.emit('message', message);
    far.emit('message', message);
    expect(await calls.call('add', 1)).toBe(2);
  },
);

describe('when the other end has gone', () => {
  const gone = { code: 'XGI_GATEWAY_EXIT', message: 'a gateway process ended: SIGKILL' };

  test('what waits fails, and what is called later', async () => {
    const calls = connect({ wait: () => new Promise(() => {}) });
    const waiting = [calls.call('wait'), calls.call('wait')];
    calls.close('SIGKILL');
    for (const call of [...waiting, calls.call('wait')]) await expect(call).rejects.toMatchObject(gone);
  });

  test('a call over a channel that is closed fails', async () => {
    const calls = connect({});
    near.connected = false;
    await expect(calls.call('status')).rejects.toMatchObject({ code: 'XGI_GATEWAY_EXIT' });
  });
});
