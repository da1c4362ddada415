import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayError } from '../../../src/errors.js';
import { PROGRAM_REFUSALS } from '../../../src/programs/program-refusals.js';
import { Places, type PlaceSeeker, type PlacesOptions } from '../../../src/places/places.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Notes what becomes of it. */
class Seeker implements PlaceSeeker {
  told: 'nothing' | 'placed' | GatewayError = 'nothing';

  placed(): void {
    expect(this.told).toBe('nothing');
    this.told = 'placed';
  }
  refused(error: GatewayError): void {
    expect(this.told).toBe('nothing');
    this.told = error;
  }
}

function newPlaces(options: Partial<PlacesOptions> = {}): Places {
  return new Places({
    places: 2,
    maxWaiting: 3,
    waitTimeoutMs: 1000,
    ...PROGRAM_REFUSALS,
    isOpen: () => true,
    ...options,
  });
}

function seek(places: Places, count: number): Seeker[] {
  const seekers = Array.from({ length: count }, () => new Seeker());
  for (const seeker of seekers) places.seek(seeker);
  return seekers;
}

const toldTo = (seekers: readonly Seeker[]): unknown[] =>
  seekers.map(({ told }) => (typeof told === 'string' ? told : told.code));

describe('places', () => {
  test('are given to the first who come; the others wait for one that is given back', () => {
    const places = newPlaces();
    const seekers = seek(places, 4);
    expect(toldTo(seekers)).toEqual(['placed', 'placed', 'nothing', 'nothing']);
    expect([places.taken, places.waiting]).toEqual([2, 2]);
    places.leave(seekers[1]!);
    expect(toldTo(seekers)).toEqual(['placed', 'placed', 'placed', 'nothing']);
    places.leave(seekers[0]!);
    places.leave(seekers[2]!);
    places.leave(seekers[3]!);
    expect([places.taken, places.waiting, places.refused]).toEqual([0, 0, 0]);
  });

  test('one that leaves the queue, or has left, gives nothing back', () => {
    const places = newPlaces();
    const [first, , third, fourth] = seek(places, 4);
    places.leave(third!);
    places.leave(third!);
    expect(places.taken).toBe(2);
    places.leave(first!);
    places.leave(first!);
    expect(toldTo([third!, fourth!])).toEqual(['nothing', 'placed']);
    expect(places.taken).toBe(2);
  });

  test('one that gives its place back as soon as it has it', () => {
    const places = newPlaces({ places: 1, maxWaiting: 100 });
    let placed = 0;
    for (let i = 0; i < 50; i++) {
      const seeker: PlaceSeeker = {
        placed() {
          placed++;
          places.leave(this);
        },
        refused: () => expect.unreachable(),
      };
      places.seek(seeker);
    }
    expect(placed).toBe(50);
    expect(places.taken).toBe(0);
  });

  test('are not given while programs cannot be run', () => {
    let isOpen = false;
    const places = newPlaces({ isOpen: () => isOpen });
    const seekers = seek(places, 2);
    expect(toldTo(seekers)).toEqual(['nothing', 'nothing']);
    isOpen = true;
    places.pump();
    expect(toldTo(seekers)).toEqual(['placed', 'placed']);
  });
});

describe('503 for', () => {
  test('who comes when the queue is full', () => {
    const places = newPlaces();
    const seekers = seek(places, 6);
    expect(toldTo(seekers).slice(4)).toEqual(['nothing', 'XGI_CGI_BUSY']);
    expect(seekers[5]!.told).toMatchObject({
      status: 503,
      message: expect.stringContaining('2 programs run and 3 requests wait already') as string,
    });
    expect(places.refused).toBe(1);
  });

  test('who has waited too long, and nobody else', () => {
    const places = newPlaces();
    const [, , early] = seek(places, 3);
    vi.advanceTimersByTime(500);
    const [late] = seek(places, 1);
    expect(places.oldestMs).toBe(500);
    vi.advanceTimersByTime(600);
    expect(early!.told).toMatchObject({ status: 503, code: 'XGI_CGI_QUEUE_TIMEOUT' });
    expect(late!.told).toBe('nothing');
    expect(places.oldestMs).toBe(600);
    vi.advanceTimersByTime(500);
    expect(late!.told).toMatchObject({ code: 'XGI_CGI_QUEUE_TIMEOUT' });
    expect([places.waiting, places.refused, places.oldestMs]).toEqual([0, 2, 0]);
  });

  test('nobody, if there is no limit', () => {
    const places = newPlaces({ waitTimeoutMs: 0 });
    const [, , waiting] = seek(places, 3);
    vi.advanceTimersByTime(3_600_000);
    expect(waiting!.told).toBe('nothing');
  });

  test('all who wait when it closes; who has a place keeps it', () => {
    const places = newPlaces();
    const seekers = seek(places, 4);
    places.close(new GatewayError(503, 'XGI_STOPPING', 'the end'));
    expect(toldTo(seekers)).toEqual(['placed', 'placed', 'XGI_STOPPING', 'XGI_STOPPING']);
    expect(seekers[3]!.told).toMatchObject({ status: 503 });
    expect(places.taken).toBe(2);
  });
});

test('no timer runs while nobody waits', () => {
  const places = newPlaces();
  const seekers = seek(places, 2);
  expect(vi.getTimerCount()).toBe(0);
  const [waiting] = seek(places, 1);
  expect(vi.getTimerCount()).toBe(1);
  places.leave(seekers[0]!);
  expect(waiting!.told).toBe('placed');
  expect(vi.getTimerCount()).toBe(0);
  const [impatient] = seek(places, 1);
  places.leave(impatient!);
  vi.advanceTimersByTime(200);
  expect(vi.getTimerCount()).toBe(0);
});
