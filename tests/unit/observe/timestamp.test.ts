import { afterEach, expect, test } from 'vitest';
import { formatClfTime, formatLogTime } from '../../../src/observe/timestamp.js';

const timeZone = process.env['TZ'];

afterEach(() => {
  if (timeZone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = timeZone;
});

// One time each: the text is kept for a second, and with it the zone.
test.each([
  ['UTC', Date.UTC(2026, 10, 5, 6, 7, 8), '05/Nov/2026:06:07:08 +0000', '2026-11-05 06:07:08 +0000'],
  [
    'Europe/Berlin',
    Date.UTC(2026, 6, 1, 22, 0, 0),
    '02/Jul/2026:00:00:00 +0200',
    '2026-07-02 00:00:00 +0200',
  ],
  [
    'America/St_Johns',
    Date.UTC(2026, 0, 1, 0, 0, 1),
    '31/Dec/2025:20:30:01 -0330',
    '2025-12-31 20:30:01 -0330',
  ],
  [
    'Asia/Kathmandu',
    Date.UTC(2026, 1, 3, 0, 0, 2),
    '03/Feb/2026:05:45:02 +0545',
    '2026-02-03 05:45:02 +0545',
  ],
])('%s', (zone, timeMs, clf, log) => {
  process.env['TZ'] = zone;
  expect(formatClfTime(timeMs)).toBe(clf);
  expect(formatLogTime(timeMs)).toBe(log);
});

test('is made anew each second', () => {
  process.env['TZ'] = 'UTC';
  const timeMs = Date.UTC(2026, 0, 1);
  expect(formatClfTime(timeMs)).toContain(':00:00:00');
  expect(formatClfTime(timeMs + 999)).toContain(':00:00:00');
  expect(formatClfTime(timeMs + 1000)).toContain(':00:00:01');
  expect(formatClfTime(timeMs)).toContain(':00:00:00');
});
