import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Dispatcher, type DispatchTarget } from '../../../src/workers/dispatcher.js';
import type { Job } from '../../../src/workers/job.js';
import { TestJob } from '../../support/wsgi-job.js';

const QUICK_US = 10;

/** A worker without a process: what it has in hand, in order; the first `slots` are running. */
class FakeTarget implements DispatchTarget {
  readonly jobs: Job[] = [];
  readonly slots: number;
  progressAtMs = 0;
  recalling = false;
  draining = false;
  recalls = 0;
  onSend: (target: FakeTarget, job: Job) => void = () => {};

  constructor(slots = 1) {
    this.slots = slots;
  }

  get inFlight(): number {
    return this.jobs.length;
  }

  send(job: Job): void {
    this.onSend(this, job);
    if (this.jobs.length === 0) this.progressAtMs = performance.now();
    this.jobs.push(job);
  }

  recall(): void {
    this.recalling = true;
    this.recalls++;
  }

  /** Ends one of the running requests. */
  finish(dispatcher: Dispatcher, serviceUs = QUICK_US, at = 0): Job {
    const [job] = this.jobs.splice(at, 1);
    this.progressAtMs = performance.now();
    this.recalling = false;
    dispatcher.ended(serviceUs);
    return job!;
  }

  /** Answers a recall: everything that is not running goes back; what runs has still to show progress. */
  recalled(dispatcher: Dispatcher): Job[] {
    const back = this.jobs.splice(this.slots);
    this.recalling = this.jobs.length > 0;
    dispatcher.giveBack(back);
    return back;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

function dispatcherWith(...targets: FakeTarget[]): Dispatcher {
  const dispatcher = new Dispatcher();
  for (const target of targets) dispatcher.add(target);
  return dispatcher;
}

function submit(dispatcher: Dispatcher, count: number): TestJob[] {
  const jobs = Array.from({ length: count }, () => new TestJob({ arrivedAtMs: performance.now() }));
  for (const job of jobs) dispatcher.submit(job);
  return jobs;
}

/** Shows that the application is quick. */
function warmUp(dispatcher: Dispatcher, serviceUs = QUICK_US): void {
  for (let i = 0; i < 300; i++) dispatcher.ended(serviceUs);
}

const counts = (...targets: FakeTarget[]): number[] => targets.map((target) => target.jobs.length);

describe('who gets a request', () => {
  test('nobody before a worker is there; then they go in order', () => {
    const dispatcher = new Dispatcher();
    const jobs = submit(dispatcher, 3);
    expect(dispatcher.waiting).toBe(3);
    const target = new FakeTarget(3);
    dispatcher.add(target);
    expect(target.jobs).toEqual(jobs);
    expect(dispatcher.waiting).toBe(0);
  });

  test('an idle slot first, always', () => {
    const [a, b] = [new FakeTarget(), new FakeTarget()];
    const dispatcher = dispatcherWith(a, b);
    warmUp(dispatcher);
    submit(dispatcher, 2);
    expect(counts(a, b)).toEqual([1, 1]);
    a.finish(dispatcher);
    submit(dispatcher, 1);
    expect(counts(a, b)).toEqual([1, 1]);
  });

  test('a slow application: one at a time, the rest waits', () => {
    const [a, b] = [new FakeTarget(), new FakeTarget()];
    const dispatcher = dispatcherWith(a, b);
    submit(dispatcher, 10);
    expect(counts(a, b)).toEqual([1, 1]);
    expect(dispatcher.waiting).toBe(8);
    b.finish(dispatcher, 50_000);
    expect(counts(a, b)).toEqual([1, 1]);
    expect(dispatcher.waiting).toBe(7);
  });

  test.each([
    [10, 32],
    [62, 32],
    [100, 20],
    [500, 4],
    [999, 2],
    [2000, 1],
    [1_000_000, 1],
  ])('a service time of %d µs: %d in hand', (serviceUs, depth) => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    warmUp(dispatcher, serviceUs);
    submit(dispatcher, 100);
    expect(target.jobs.length).toBe(depth);
  });

  test('ahead of time to the least loaded, evenly, for each of its threads', () => {
    const [a, b] = [new FakeTarget(1), new FakeTarget(2)];
    const dispatcher = dispatcherWith(a, b);
    warmUp(dispatcher);
    submit(dispatcher, 30);
    expect(counts(a, b)).toEqual([10, 20]);
    submit(dispatcher, 200);
    expect(counts(a, b)).toEqual([32, 64]);
    expect(dispatcher.waiting).toBe(134);
  });

  test('one slow answer brings the depth down at once', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    warmUp(dispatcher);
    submit(dispatcher, 100);
    target.finish(dispatcher, 5000);
    for (let left = 31; left > 1; left--) {
      expect(target.jobs.length).toBe(left);
      target.finish(dispatcher, 5000);
    }
    expect(target.jobs.length).toBe(1);
    target.finish(dispatcher, 5000);
    expect(target.jobs.length).toBe(1);
  });

  test('not one that is to end, nor ahead of time one that is being recalled', () => {
    const [a, b] = [new FakeTarget(), new FakeTarget()];
    const dispatcher = dispatcherWith(a, b);
    warmUp(dispatcher);
    a.draining = true;
    b.recalling = true;
    const jobs = submit(dispatcher, 3);
    // A free slot runs what it gets at once, recall or not.
    expect(counts(a, b)).toEqual([0, 1]);
    expect(dispatcher.waiting).toBe(2);
    b.recalled(dispatcher);
    expect(b.jobs).toEqual(jobs.slice(0, 1));
    b.finish(dispatcher);
    expect(b.jobs).toEqual(jobs.slice(1));
  });
});

describe('jobs that come back', () => {
  test('go first, in their order', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    const [running, first, second] = submit(dispatcher, 3);
    const back = [new TestJob(), new TestJob()];
    dispatcher.giveBack(back);
    const order: Job[] = [];
    while (target.jobs.length > 0) order.push(target.finish(dispatcher, 5000));
    expect(order).toEqual([running, ...back, first, second]);
  });
});

describe('cancel', () => {
  test('takes a job out of the queue, and only out of the queue', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    const [running, waiting, last] = submit(dispatcher, 3);
    expect(dispatcher.cancel(running!)).toBe(false);
    expect(dispatcher.cancel(waiting!)).toBe(true);
    expect(dispatcher.cancel(new TestJob())).toBe(false);
    target.finish(dispatcher, 5000);
    expect(target.jobs).toEqual([last]);
    target.finish(dispatcher, 5000);
    expect(target.jobs).toEqual([]);
    expect(dispatcher.waiting).toBe(0);
  });

  test('takes out a job that came back', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    submit(dispatcher, 1);
    const back = new TestJob();
    dispatcher.giveBack([back]);
    expect(dispatcher.cancel(back)).toBe(true);
    target.finish(dispatcher, 5000);
    expect(target.jobs).toEqual([]);
  });

  test('does not know a job that has been sent', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    const [, waiting] = submit(dispatcher, 2);
    target.finish(dispatcher, 5000);
    expect(dispatcher.cancel(waiting!)).toBe(false);
    expect(target.jobs).toEqual([waiting]);
  });
});

describe('takeOlder and clear', () => {
  test('take what waits, not what was cancelled', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    vi.advanceTimersByTime(1000);
    const [running, old, cancelled] = submit(dispatcher, 3);
    dispatcher.cancel(cancelled!);
    vi.advanceTimersByTime(1000);
    const [young] = submit(dispatcher, 1);
    expect(dispatcher.takeOlder(performance.now() - 500)).toEqual([old]);
    expect(dispatcher.takeOlder(performance.now() - 500)).toEqual([]);
    expect(target.jobs).toEqual([running]);
    expect(dispatcher.clear()).toEqual([young]);
    expect(dispatcher.waiting).toBe(0);
    target.finish(dispatcher, 5000);
    expect(target.jobs).toEqual([]);
  });

  test('a long queue loses nobody when it is cut', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    const jobs = submit(dispatcher, 5000);
    const order: Job[] = [];
    for (let i = 0; i < 2500; i++) order.push(target.finish(dispatcher, 5000));
    jobs.push(...submit(dispatcher, 5000));
    while (target.jobs.length > 0) order.push(target.finish(dispatcher, 5000));
    expect(order.length).toBe(10_000);
    expect(order.every((job, i) => job === jobs[i])).toBe(true);
  });
});

describe('a worker that falls silent', () => {
  test('with another one idle, is asked within the budget for what waits behind', () => {
    const [a, b] = [new FakeTarget(), new FakeTarget()];
    const dispatcher = dispatcherWith(a, b);
    warmUp(dispatcher);
    submit(dispatcher, 20);
    while (b.jobs.length > 0) b.finish(dispatcher);
    vi.advanceTimersByTime(2);
    expect(a.recalls).toBe(1);
    const [running] = a.jobs;
    const back = a.recalled(dispatcher);
    expect(back.length).toBe(9);
    expect(a.jobs).toEqual([running]);
    // Nothing is sent behind the slow one again, however quick the others are, and the order is kept.
    const order: Job[] = [];
    while (b.jobs.length > 0) order.push(b.finish(dispatcher));
    expect(order).toEqual(back);
  });

  test('with all others busy, is asked as well, a little later', () => {
    const [a, b] = [new FakeTarget(), new FakeTarget()];
    const dispatcher = dispatcherWith(a, b);
    warmUp(dispatcher);
    submit(dispatcher, 64);
    for (let ms = 0; ms < 20; ms++) {
      b.finish(dispatcher);
      submit(dispatcher, 1);
      vi.advanceTimersByTime(1);
    }
    expect(a.recalls).toBe(1);
    expect(b.recalls).toBe(0);
  });

  test('is not asked for what runs, nor twice at a time', () => {
    const [a, b] = [new FakeTarget(), new FakeTarget(2)];
    const dispatcher = dispatcherWith(a, b);
    warmUp(dispatcher);
    submit(dispatcher, 3);
    vi.advanceTimersByTime(1000);
    expect([a.recalls, b.recalls]).toEqual([0, 0]);
    submit(dispatcher, 30);
    vi.advanceTimersByTime(1000);
    expect([a.recalls, b.recalls]).toEqual([1, 1]);
  });

  test('no timer is left when nothing waits behind anything', () => {
    const target = new FakeTarget();
    const dispatcher = dispatcherWith(target);
    warmUp(dispatcher);
    submit(dispatcher, 5);
    expect(vi.getTimerCount()).toBe(1);
    while (target.jobs.length > 0) target.finish(dispatcher);
    vi.advanceTimersByTime(5);
    expect(vi.getTimerCount()).toBe(0);
  });
});

const STEPS = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('submit' as const), count: fc.integer({ min: 1, max: 40 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('finish' as const),
        who: fc.nat(),
        at: fc.nat(),
        times: fc.integer({ min: 1, max: 20 }),
        serviceUs: fc.constantFrom(5, 5, 5, 50, 3000),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 12 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('recalled' as const), who: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), who: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('add' as const), slots: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const), who: fc.nat() }) },
    { weight: 1, arbitrary: fc.constant({ do: 'expire' as const }) },
  ),
  { maxLength: 120 },
);

test('whatever happens, every job is in one place, and none waits while a slot is idle', () => {
  fc.assert(
    fc.property(STEPS, (steps) => {
      const dispatcher = new Dispatcher();
      const targets: FakeTarget[] = [];
      const submitted: TestJob[] = [];
      const done = new Set<Job>();
      const isFree = (target: FakeTarget): boolean => !target.draining && target.inFlight < target.slots;
      const onSend = (target: FakeTarget, job: Job): void => {
        expect(done.has(job), 'sent after it was over').toBe(false);
        expect(
          targets.some((one) => one.jobs.includes(job)),
          'sent twice',
        ).toBe(false);
        expect(target.draining).toBe(false);
        if (isFree(target)) return;
        expect(targets.some(isFree), 'sent ahead while a slot is idle').toBe(false);
        expect(target.inFlight).toBeLessThan(32 * target.slots);
        expect(target.recalling).toBe(false);
      };
      const add = (slots: number): void => {
        const target = new FakeTarget(slots);
        target.onSend = onSend;
        targets.push(target);
        dispatcher.add(target);
      };
      const pick = (who: number): FakeTarget => targets[who % targets.length]!;
      add(1);
      add(1);
      for (const step of steps) {
        switch (step.do) {
          case 'submit':
            for (let i = 0; i < step.count; i++) {
              const job = new TestJob({ arrivedAtMs: performance.now() });
              submitted.push(job);
              dispatcher.submit(job);
            }
            break;
          case 'finish': {
            const target = pick(step.who);
            for (let i = 0; i < step.times && target.inFlight > 0; i++) {
              const at = step.at % Math.min(target.slots, target.inFlight);
              done.add(target.jobs[at]!);
              target.finish(dispatcher, step.serviceUs, at);
            }
            break;
          }
          case 'cancel': {
            const job = submitted[step.which % submitted.length];
            if (job !== undefined && !done.has(job) && dispatcher.cancel(job)) done.add(job);
            break;
          }
          case 'pass':
            vi.advanceTimersByTime(step.ms);
            break;
          case 'recalled':
            if (pick(step.who).recalling) pick(step.who).recalled(dispatcher);
            break;
          case 'die': {
            if (targets.filter((one) => !one.draining).length === 1) break;
            const target = pick(step.who);
            targets.splice(targets.indexOf(target), 1);
            for (const job of target.jobs.slice(0, target.slots)) done.add(job);
            const back = target.jobs.splice(0).slice(target.slots);
            dispatcher.remove(target);
            dispatcher.giveBack(back);
            break;
          }
          case 'add':
            add(step.slots);
            break;
          case 'drain':
            if (targets.filter((one) => !one.draining).length > 1) pick(step.who).draining = true;
            break;
          case 'expire':
            for (const job of dispatcher.takeOlder(performance.now() - 10)) {
              expect(done.has(job), 'expired after it was over').toBe(false);
              done.add(job);
            }
        }
        const held = new Set(targets.flatMap((target) => target.jobs));
        const waiting = submitted.filter((job) => !done.has(job) && !held.has(job)).length;
        if (waiting > 0) expect(targets.some(isFree), 'a job waits while a slot is idle').toBe(false);
        expect(dispatcher.waiting).toBeGreaterThanOrEqual(waiting);
      }
      // In the end everything can be finished: nothing was lost on the way.
      while (targets.some((target) => target.inFlight > 0)) {
        for (const target of targets) {
          if (target.recalling) target.recalled(dispatcher);
          if (target.inFlight === 0) continue;
          done.add(target.jobs[0]!);
          target.finish(dispatcher);
        }
      }
      expect(submitted.filter((job) => !done.has(job))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
