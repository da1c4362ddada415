/** Every order in which the events of a run can come. What has to hold after each of them is said in run-play.ts. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ACTS, DOCUMENTS, Play, type Act, type PlayOptions } from './run-play.js';
import { FAKED, share } from './run-stage.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: [...FAKED] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** What may come on top of a start, output, its end, and the end of the program. */
const DISTURBANCES = [
  [],
  ['complain'],
  ['exitWait'],
  ['fail'],
  ['goAway'],
  ['cancel', 'goAway'],
  ['endInput', 'halfClosedWait'],
  ['idle'],
  ['timeout'],
] as const satisfies readonly (readonly Act[])[];

const SINK: readonly Act[] = ['startSink', 'take'];

/** Plays all orders of these acts, each used at most as often as it is in the list, and each prefix of them. @returns how many */
function playAll(options: PlayOptions, acts: readonly Act[]): number {
  let count = 0;
  const names = [...new Set(acts)];
  const left = new Map(names.map((name) => [name, acts.filter((act) => act === name).length]));
  const walk = (path: readonly Act[]): void => {
    const play = new Play(options);
    for (const act of path) play.do(act);
    const next = names.filter((act) => left.get(act)! > 0 && play.may(act));
    play.finish();
    vi.clearAllTimers();
    count++;
    for (const act of next) {
      left.set(act, left.get(act)! - 1);
      walk([...path, act]);
      left.set(act, left.get(act)! + 1);
    }
  };
  walk([]);
  return count;
}

describe.each(DOCUMENTS)('all orders for $name', (document) => {
  const writes: readonly Act[] = document.pieces.map(() => 'write');

  test.each(DISTURBANCES.map((acts) => ({ acts, title: acts.join(', ') || 'nothing else' })))(
    'with $title',
    ({ acts }) => {
      for (const end of ['exit 0', 'kill'] as const)
        for (const inOneRead of [false, true]) {
          const all: Act[] = ['start', ...writes, 'close', end, ...acts];
          playAll({ document, inOneRead }, document.answer === 'body' ? [...all, ...SINK] : all);
        }
    },
  );

  test('with a status', () => {
    expect(playAll({ document }, ['start', ...writes, 'close', 'exit 3', 'complain'])).toBeGreaterThan(10);
  });

  test('of a client of HTTP/1.0 that has ended its input', () => {
    const acts: Act[] = ['start', ...writes, 'close', 'exit 0', 'endInput', 'halfClosedWait', 'complain'];
    playAll({ document, httpVersion: '1.0' }, acts);
  });

  test('by a launcher, whose frames cross with an abort', () => {
    const acts: Act[] = ['start', ...writes, 'close', 'kill'];
    for (const disturbance of ['goAway', 'timeout', 'fail'] as const)
      playAll({ document, isLaunched: true }, [...acts, disturbance, 'startSink']);
  });
});

const someActs = fc.array(fc.constantFrom(...ACTS), { maxLength: 25, size: 'max' });

test('any acts, any number of times', () => {
  fc.assert(
    fc.property(
      fc.record({
        document: fc.constantFrom(...DOCUMENTS),
        httpVersion: fc.constantFrom<'1.0' | '1.1'>('1.0', '1.1'),
        inOneRead: fc.boolean(),
        isLaunched: fc.boolean(),
      }),
      someActs,
      (options, acts) => {
        vi.clearAllTimers();
        const play = new Play(options);
        for (const act of acts) if (play.may(act)) play.do(act);
        play.finish();
      },
    ),
    { numRuns: 3000 },
  );
});

test('several runs that share a place have it one after the other', () => {
  const step = fc.tuple(fc.nat({ max: 3 }), fc.constantFrom(...ACTS));
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...DOCUMENTS), { minLength: 4, maxLength: 4 }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (documents, steps) => {
        vi.clearAllTimers();
        // Time is the same for all of them: what waits for too long is refused.
        const shared = share({ places: 1, waitTimeoutMs: 30_000 });
        const plays: Play[] = documents.map((document) => new Play({ document, shared }));
        for (const [index, act] of steps) {
          const play = plays[index]!;
          if (play.may(act)) play.do(act);
          expect(shared.places.taken).toBeLessThanOrEqual(1);
          expect(shared.runner.programs.filter((program) => !program.isOver).length).toBe(
            shared.places.taken,
          );
        }
        for (let round = 0; round < plays.length; round++) {
          for (const play of plays) if (play.stage.hasProgram) play.finish();
        }
        expect(plays.map(({ stage }) => stage.overs)).toEqual([1, 1, 1, 1]);
        expect([shared.places.taken, shared.places.waiting, shared.watch.runningBy(null).length]).toEqual([
          0, 0, 0,
        ]);
        expect(vi.getTimerCount()).toBe(0);
      },
    ),
    { numRuns: 500 },
  );
});
