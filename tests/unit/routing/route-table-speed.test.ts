/** What 1,000 routes cost a request: about as much as 8. Prints what it measured. */
import { expect, test } from 'vitest';
import { RouteTable } from '../../../src/routing/route-table.js';
import { newMatched, newRule, type WrittenRule } from './rules.js';

const ROUTES = 1000;
const ROUNDS = 10_000;
const RUNS = 25;

const rules: WrittenRule[] = Array.from({ length: ROUTES }, (_, i) => {
  const host = `site${i % 50}.example.org`;
  const kinds = [`/part${i}/section`, `/api${i}/users/:id`, `/files${i}/*`, `/deep/way/to/part${i}`];
  return {
    host: i % 10 === 0 ? '*.example.org' : host,
    path: kinds[i % 4]!,
    ...(i % 7 === 0 && { methods: ['GET'] }),
  };
});
const table = new RouteTable(rules.map((rule, i) => [newRule(rule), i]));

/** A table of the same kinds of routes, two of each: what a request costs in any case. */
const few = new RouteTable(rules.slice(0, 8).map((rule, i) => [newRule(rule), i]));

type Requests = readonly ReturnType<typeof newMatched>[];

function measure(routes: RouteTable<number>, requests: Requests): number {
  const beganAtMs = performance.now();
  for (let i = 0; i < ROUNDS; i += 1) routes.match(requests[i % requests.length]!);
  return ((performance.now() - beganAtMs) * 1000) / ROUNDS;
}

test.each([
  [
    'that a route takes',
    true,
    rules.map(({ host, path }) => ({
      host: host!.replace('*', 'x'),
      path: path!.replace(':id', '42').replace('*', 'a/b/c.css'),
    })),
  ],
  ['percent-encoded', true, [{ host: 'site8.example.org', path: '/p%61rt8/section/a%20b' }]],
  ['that no route takes', false, [{ host: 'www.sub.other.example.net', path: '/deep/way/to/nothing' }]],
])('a request %s', (what, isTaken, requests) => {
  const matched = requests.map(newMatched);
  for (const request of matched) expect(table.match(request) !== undefined).toBe(isTaken);
  // The quickest of several runs, taken in turn: others share the machine.
  let [all, base] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let run = 0; run < RUNS; run += 1) {
    all = Math.min(all, measure(table, matched));
    base = Math.min(base, measure(few, matched));
  }
  console.log(`a request ${what}: ${all.toFixed(2)} us with ${ROUTES} routes, ${base.toFixed(2)} us with 8`);
  expect(all).toBeLessThan(5 * base);
});
