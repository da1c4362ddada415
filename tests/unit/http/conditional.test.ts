import { describe, expect, test } from 'vitest';
import { evaluatePreconditions, isConditional, rangeCounts } from '../../../src/http/conditional.js';

const BEFORE = 'Sun, 06 Nov 1994 08:49:36 GMT';
const THEN = 'Sun, 06 Nov 1994 08:49:37 GMT';
const AFTER = 'Sun, 06 Nov 1994 08:49:38 GMT';
const current = { etag: '"a"', lastModifiedMs: Date.UTC(1994, 10, 6, 8, 49, 37) };

describe('preconditions, in the order of RFC 9110 section 13.2.2', () => {
  test.each([
    ['passed', []],
    ['passed', ['If-Match', '"a"']],
    ['passed', ['If-Match', '*']],
    ['passed', ['if-match', '"b"', 'IF-MATCH', '"a"']],
    ['failed', ['If-Match', '"b"']],
    ['failed', ['If-Match', 'W/"a"']],
    ['failed', ['If-Match', 'a']],
    ['failed', ['If-Match', '"b"', 'If-None-Match', '"a"']],
    // If-Match hides If-Unmodified-Since.
    ['passed', ['If-Match', '"a"', 'If-Unmodified-Since', BEFORE]],
    ['failed', ['If-Unmodified-Since', BEFORE]],
    ['passed', ['If-Unmodified-Since', THEN]],
    ['passed', ['If-Unmodified-Since', AFTER]],
    ['passed', ['If-Unmodified-Since', 'never']],
    ['failed', ['If-Unmodified-Since', BEFORE, 'If-None-Match', '"a"']],
    ['unmodified', ['If-None-Match', '"a"']],
    ['unmodified', ['If-None-Match', 'W/"a"']],
    ['unmodified', ['If-None-Match', '*']],
    ['unmodified', ['If-None-Match', '"b", "a"']],
    ['unmodified', ['If-Match', '"a"', 'If-None-Match', '"a"']],
    ['passed', ['If-None-Match', '"b"']],
    ['passed', ['If-None-Match', 'a']],
    // If-None-Match hides If-Modified-Since.
    ['passed', ['If-None-Match', '"b"', 'If-Modified-Since', AFTER]],
    ['unmodified', ['If-Modified-Since', AFTER]],
    ['unmodified', ['If-Modified-Since', THEN]],
    ['passed', ['If-Modified-Since', BEFORE]],
    ['passed', ['If-Modified-Since', 'ever']],
    ['passed', ['If-Modified-Since', AFTER, 'If-Modified-Since', AFTER]],
  ] as const)('%s: %j', (outcome, fields) => {
    expect(evaluatePreconditions(fields, current)).toBe(outcome);
    if (outcome !== 'passed') expect(isConditional(fields)).toBe(true);
  });
});

describe('a Range counts', () => {
  test.each([
    [true, []],
    [true, ['If-Range', '"a"']],
    [false, ['If-Range', '"b"']],
    [false, ['If-Range', 'W/"a"']],
    [true, ['If-Range', THEN]],
    [false, ['If-Range', AFTER]],
    [false, ['If-Range', BEFORE]],
    [false, ['If-Range', 'a']],
  ] as const)('%s: %j', (counts, fields) => expect(rangeCounts(fields, current)).toBe(counts));

  test('never, with a condition, of a representation that may still change', () => {
    const young = { ...current, etag: 'W/"a"' };
    expect(rangeCounts(['If-Range', 'W/"a"'], young)).toBe(false);
    expect(rangeCounts(['If-Range', THEN], young)).toBe(false);
    expect(rangeCounts([], young)).toBe(true);
  });
});

test.each([
  [true, ['Host', 'a', 'RANGE', 'bytes=0-']],
  [true, ['if-none-match', '*']],
  [false, ['Host', 'a', 'Referer', 'b', 'Id', 'c', 'Accept', '*/*']],
])('conditional is %s: %j', (is, fields) => expect(isConditional(fields)).toBe(is));
