/** What a dead worker had in hand: the table of docs/protocol.md, "Started, not started". */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sortLoss, type Lost } from '../../../src/workers/loss.js';
import { TestJob } from '../../support/wsgi-job.js';

type Fate = 'failed' | 'handed back' | 'forgotten';

function inHand(stream: number, method: string, state: Partial<Lost> = {}): Lost {
  return { job: new TestJob({ method }), stream, headSeen: false, interruptedAtMs: undefined, ...state };
}

function fateOf(task: Lost, claimed: readonly number[]): Fate {
  const { failed, handedBack } = sortLoss([task], claimed);
  expect(failed.length + handedBack.length).toBeLessThanOrEqual(1);
  if (failed.length > 0) return 'failed';
  return handedBack.length > 0 ? 'handed back' : 'forgotten';
}

interface Case {
  readonly name: string;
  readonly stream?: number;
  readonly claimed: readonly number[];
  readonly state?: Partial<Lost>;
  readonly GET: Fate;
  readonly POST: Fate;
}

const BACK = { GET: 'handed back', POST: 'handed back' } as const;
const FAILED = { GET: 'failed', POST: 'failed' } as const;
const FORGOTTEN = { GET: 'forgotten', POST: 'forgotten' } as const;

// oxfmt-ignore
const CASES: readonly Case[] = [
  { name: 'the worker had claimed nothing yet', claimed: [0], ...BACK },
  { name: 'it was running', claimed: [7], ...FAILED },
  { name: 'it waited behind the running one', claimed: [6], ...BACK },
  { name: 'a later one was running, its answer never came', claimed: [8], GET: 'handed back', POST: 'failed' },
  { name: 'its answer had begun', claimed: [7], state: { headSeen: true }, ...FAILED },
  { name: 'its answer had begun, a later one was running', claimed: [9], state: { headSeen: true }, ...FAILED },
  { name: 'its answer had begun, whatever the state file says', claimed: [0], state: { headSeen: true }, ...FAILED },

  { name: 'its client had gone', claimed: [7], state: { job: null }, ...FORGOTTEN },
  { name: 'its client had gone while it waited', claimed: [6], state: { job: null }, ...FORGOTTEN },
  { name: 'it got 504 already', claimed: [7], state: { interruptedAtMs: 1, job: null }, ...FORGOTTEN },
  { name: 'it was interrupted', claimed: [7], state: { interruptedAtMs: 0 }, ...FORGOTTEN },

  { name: 'one of several that were running', claimed: [5, 7, 6], ...FAILED },
  { name: 'it waited behind several', claimed: [4, 5, 6], ...BACK },
  { name: 'threads that had claimed nothing', claimed: [0, 0, 0], ...BACK },
  { name: 'one of several threads had claimed nothing', claimed: [7, 0], ...FAILED },
  { name: 'a later one was running in one of several threads', claimed: [8, 6], ...BACK },

  { name: 'numbers wrapped: it waited', stream: 1, claimed: [0xffff_ffff], ...BACK },
  { name: 'numbers wrapped: it was running', stream: 0xffff_ffff, claimed: [0xffff_ffff], ...FAILED },
  { name: 'numbers wrapped: a later one ran', stream: 0xffff_ffff, claimed: [1], GET: 'handed back', POST: 'failed' },
];

describe.each(['GET', 'POST'] as const)('%s', (method) => {
  test.each(CASES)('$name', ({ stream = 7, claimed, state, ...fates }) => {
    expect(fateOf(inHand(stream, method, state), claimed)).toBe(fates[method]);
  });
});

test('what is handed back keeps its order, and so does what fails', () => {
  const tasks = [inHand(1, 'GET'), inHand(2, 'POST'), inHand(3, 'GET'), inHand(4, 'POST'), inHand(5, 'GET')];
  const [first, second, third, fourth, fifth] = tasks.map(({ job }) => job);
  expect(sortLoss(tasks, [3])).toEqual({ failed: [second, third], handedBack: [first, fourth, fifth] });
});

test('nothing in hand, nothing lost', () => {
  expect(sortLoss([], [7])).toEqual({ failed: [], handedBack: [] });
});

test('whatever happened: each request that somebody waits for has one fate, and none unsafe that one thread reached is run twice', () => {
  const task = fc.record({
    stream: fc.integer({ min: 1, max: 40 }),
    method: fc.constantFrom('GET', 'POST'),
    headSeen: fc.boolean(),
    awaited: fc.boolean(),
  });
  const tasks = fc.uniqueArray(task, { selector: ({ stream }) => stream });
  const claimed = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(tasks, claimed, (drawn, ids) => {
      const lost = drawn.map(({ stream, method, headSeen, awaited }) =>
        inHand(stream, method, awaited ? { headSeen } : { headSeen, job: null }),
      );
      const { failed, handedBack } = sortLoss(lost, ids);
      const awaited = lost.flatMap(({ job }) => job ?? []);
      expect(new Set([...failed, ...handedBack])).toEqual(new Set(awaited));
      expect(failed.length + handedBack.length).toBe(awaited.length);
      for (const { job, stream, headSeen } of lost) {
        if (job === null || !handedBack.includes(job)) continue;
        expect(headSeen || ids.includes(stream)).toBe(false);
        if (!job.safe && ids.length === 1) expect(stream).toBeGreaterThan(ids[0]!);
      }
    }),
  );
});
