import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Task } from '../../../src/workers/task.js';
import { TaskTable } from '../../../src/workers/task-table.js';

test('behaves like a Map whose keys only grow, whatever is added and deleted', () => {
  const steps = fc.array(fc.oneof(fc.constant(-1), fc.nat(40)), { maxLength: 400 });
  fc.assert(
    fc.property(steps, (operations) => {
      const table = new TaskTable(8);
      const model = new Map<number, Task>();
      let last = 0;
      for (const operation of operations) {
        const victim = [...model.keys()][operation];
        if (operation === -1 && model.size < 8) {
          const task = { stream: table.nextStream() } as Task;
          expect(task.stream).toBeGreaterThan(last);
          last = task.stream;
          table.add(task);
          model.set(task.stream, task);
        } else if (victim !== undefined) {
          table.delete(victim);
          model.delete(victim);
        }
        expect(table.size).toBe(model.size);
        expect(table.values()).toEqual([...model.values()]);
        for (let stream = 0; stream <= last + 1; stream++) expect(table.get(stream)).toBe(model.get(stream));
      }
    }),
    { numRuns: 50 },
  );
});

test('a task that stays for ever is passed over, and ids are not used twice', () => {
  const table = new TaskTable(2);
  const stuck = { stream: table.nextStream() } as Task;
  table.add(stuck);
  const seen = new Set<number>([stuck.stream]);
  for (let i = 0; i < 1000; i++) {
    const stream = table.nextStream();
    expect(seen.has(stream)).toBe(false);
    seen.add(stream);
    table.add({ stream } as Task);
    expect(table.values()[0]).toBe(stuck);
    table.delete(stream);
  }
  table.clear();
  expect([table.size, table.values()]).toEqual([0, []]);
});
