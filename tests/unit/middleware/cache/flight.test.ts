/** Who waits for the answer to another's request, and how long. */
import { expect, test } from 'vitest';
import type { StoredResponse } from '../../../../src/http/stored-response.js';
import { Flight } from '../../../../src/middleware/cache/flight.js';
import { newRequest as request } from '../../gateway/requests.js';

test('one that does not come is waited for once: nobody joins it any more, and its answer is nobody’s', async () => {
  let over = 0;
  const flight = new Flight(request(), () => (over += 1));
  const startedAt = performance.now();
  const first = flight.wait(request(), 60);
  const second = flight.wait(request(), 60_000);
  expect(await first).toBeUndefined();
  // The second does not begin to count when the first gives up.
  expect(await second).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(over).toBe(1);
  flight.settle({} as StoredResponse);
  expect(over).toBe(1);
  expect(flight.waiting).toBe(0);
});

test('it tells that somebody waits', async () => {
  const flight = new Flight(request(), () => {});
  let awaited = 0;
  flight.onAwaited(() => (awaited += 1));
  expect(awaited).toBe(0);
  const waiting = flight.wait(request(), 60_000);
  expect(awaited).toBe(1);
  flight.onAwaited(() => (awaited += 10));
  expect(awaited).toBe(11);
  flight.settle(undefined);
  expect(await waiting).toBeUndefined();
});
