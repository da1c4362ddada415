import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { signalName } from '../../../src/process/signal-name.js';

test('a number has the name that people know', () => {
  expect(signalName(constants.signals.SIGABRT)).toBe('SIGABRT');
  expect(signalName(constants.signals.SIGIO)).toBe('SIGIO');
  expect(signalName(9)).toBe('SIGKILL');
  expect(signalName(64)).toBeUndefined();
});
