import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Job } from '../../../src/workers/job.js';
import { JobQueue } from '../../../src/workers/job-queue.js';

test('behaves like an array, whatever is pushed, shifted and deleted', () => {
  const operations = fc.array(
    fc.oneof(
      fc.constant(['push'] as const),
      fc.constant(['shift'] as const),
      fc.constant(['clear'] as const),
      fc.tuple(fc.constant('delete' as const), fc.nat(20)),
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(operations, (steps) => {
      const queue = new JobQueue();
      const all: Job[] = [];
      let model: Job[] = [];
      for (const [operation, at] of steps as readonly (readonly [string, number?])[]) {
        if (operation === 'push') {
          const job = { id: String(all.length) } as Job;
          all.push(job);
          model.push(job);
          queue.push(job);
        } else if (operation === 'shift') {
          expect(queue.shift()).toBe(model.shift());
        } else if (operation === 'clear') {
          expect(queue.clear()).toEqual(model);
          model = [];
        } else {
          const job = all[at!];
          if (job === undefined) continue;
          expect(queue.delete(job)).toBe(model.includes(job));
          model = model.filter((other) => other !== job);
        }
        expect([queue.size, queue.first]).toEqual([model.length, model[0]]);
      }
    }),
  );
});
