import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { takeListenFds } from '../../../src/process/systemd.js';

test.each([
  ['one', { LISTEN_FDS: '1', LISTEN_PID: '42' }, [3]],
  ['three', { LISTEN_FDS: '3', LISTEN_PID: '42', LISTEN_FDNAMES: 'a:b:c' }, [3, 4, 5]],
  ['none', {}, []],
  ['zero', { LISTEN_FDS: '0', LISTEN_PID: '42' }, []],
  ['for another process', { LISTEN_FDS: '1', LISTEN_PID: '41' }, []],
  ['for nobody', { LISTEN_FDS: '1' }, []],
])('%s', (_name, variables, fds) => {
  const env: Record<string, string | undefined> = { ...variables, OTHER: 'kept' };
  expect(takeListenFds(env, 42)).toEqual(fds);
  expect(env).toEqual({ OTHER: 'kept' });
});

test.each(['', 'x', '-1', '1.5', '99999'])('LISTEN_FDS=%j is an error', (text) => {
  const env: Record<string, string | undefined> = { LISTEN_FDS: text, LISTEN_PID: '42' };
  expect(() => takeListenFds(env, 42)).toThrow(ConfigError);
  expect(env).toEqual({});
});
