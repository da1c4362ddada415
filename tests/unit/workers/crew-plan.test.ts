import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planCrew, type CrewAims, type Member } from '../../../src/workers/crew-plan.js';

interface Named extends Member {
  readonly name: string;
}

const member = (name: string, state: Partial<Member> = {}): Named => ({
  name,
  isReady: true,
  draining: false,
  isFresh: true,
  inFlight: 0,
  ...state,
});

const AIMS: CrewAims = { size: 2, delayed: 0, proven: true, maxBooting: 4 };

function plan(members: readonly Named[], aims: Partial<CrewAims> = {}): [string[], number] {
  const { dismiss, boot } = planCrew(members, { ...AIMS, ...aims });
  return [dismiss.map(({ name }) => name), boot];
}

const [a, b] = [member('a'), member('b')];
const oldA = member('old a', { isFresh: false });
const oldB = member('old b', { isFresh: false });
const booting = member('booting', { isReady: false });

describe('planCrew', () => {
  test.each<[string, Named[], Partial<CrewAims>, string[], number]>([
    ['nobody is there', [], {}, [], 2],
    ['all are there', [a, b], {}, [], 0],
    ['one has gone', [a], {}, [], 1],
    ['one is on its way', [a, booting], {}, [], 0],
    ['one is waited for', [a], { delayed: 1 }, [], 0],
    ['one drains', [a, member('d', { draining: true })], {}, [], 1],
    ['too few at a time may boot', [], { size: 10, maxBooting: 3 }, [], 3],
    ['code that is not proven is tried with one', [oldA, oldB], { proven: false }, [], 1],
    ['and only one', [oldA, oldB, booting], { proven: false }, [], 0],
    ['once it is proven, one old one leaves for each new one', [oldA, oldB, a], {}, ['old a'], 1],
    ['the last old one leaves', [oldB, a, b], {}, ['old b'], 0],
    ['an old one that boots is of no use', [a, b, { ...booting, isFresh: false }], {}, ['booting'], 0],
    ['fewer are wanted: the idle leave', [{ ...a, inFlight: 3 }, b], { size: 1 }, ['b'], 0],
    ['fewer are wanted: old ones leave first', [a, oldB], { size: 1 }, ['old b'], 0],
    ['fewer are wanted while one boots', [a, booting], { size: 1 }, ['booting'], 0],
  ])('%s', (_what, members, aims, dismissed, boot) => {
    expect(plan(members, aims)).toEqual([dismissed, boot]);
  });

  test('whatever comes, no more are dismissed than are too many, and none that serves while there are too few', () => {
    const members = fc.array(
      fc.record({
        isReady: fc.boolean(),
        draining: fc.boolean(),
        isFresh: fc.boolean(),
        inFlight: fc.nat(3),
      }),
    );
    const aims = fc.record({
      size: fc.integer({ min: 1, max: 6 }),
      delayed: fc.nat(2),
      proven: fc.boolean(),
      maxBooting: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(members, aims, (crew, given) => {
        const { dismiss, boot } = planCrew(crew, given);
        const serving = crew.filter(({ isReady, draining }) => isReady && !draining);
        const leaving = dismiss.filter(({ isReady }) => isReady);
        expect(leaving.length).toBe(Math.max(0, serving.length - given.size));
        expect(dismiss.some(({ draining }) => draining)).toBe(false);
        expect(boot).toBeGreaterThanOrEqual(0);
        expect(boot).toBeLessThanOrEqual(given.proven ? given.maxBooting : 1);
      }),
    );
  });
});
