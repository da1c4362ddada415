/** examples/site/api.ts: what it takes, and what it refuses. */
import { expect, test, vi } from 'vitest';
import api from '../../examples/site/api.js';

interface Note {
  readonly name: string;
  readonly text: string;
}

const NOTES = 'http://site.test/api/notes';

async function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  const length = String(Buffer.byteLength(body));
  const fields = { 'Content-Type': 'application/json', 'Content-Length': length, ...headers };
  return await api.fetch(new Request(NOTES, { method: 'POST', body, headers: fields }));
}

async function readNotes(): Promise<Note[]> {
  return (await (await api.fetch(new Request(NOTES))).json()) as Note[];
}

test('keeps the newest 50 notes, newest first', async () => {
  for (let i = 0; i < 60; i++) {
    const response = await post(JSON.stringify({ name: ' Ada ', text: `note ${i}`, more: true }));
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ name: 'Ada', text: `note ${i}`, at: expect.any(String) });
  }
  const notes = await readNotes();
  expect(notes.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, i) => `note ${59 - i}`));
});

const REFUSED = {
  'no JSON': ['{', 422],
  'no object': ['null', 422],
  'a name that is no text': ['{"name":1,"text":"x"}', 422],
  'a name of blanks': ['{"name":"  ","text":"x"}', 422],
  'a name that is too long': [JSON.stringify({ name: 'x'.repeat(41), text: 'x' }), 422],
  'a text that is too long': [JSON.stringify({ name: 'x', text: 'x'.repeat(281) }), 422],
  'a body that is too long': [JSON.stringify({ name: 'x', text: 'x', more: 'x'.repeat(4096) }), 413],
} as const;

test.each(Object.entries(REFUSED))('refuses %s', async (_, [body, status]) => {
  const before = await readNotes();
  const response = await post(body);
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ error: expect.stringMatching(/^Expected/) });
  expect(await readNotes()).toEqual(before);
});

test('refuses the types of forms, bodies of unknown length, other methods and other paths', async () => {
  expect((await post('name=x&text=x', { 'Content-Type': 'text/plain' })).status).toBe(415);
  const headers = { 'Content-Type': 'application/json' };
  expect((await api.fetch(new Request(NOTES, { method: 'POST', body: '{}', headers }))).status).toBe(411);
  const deleted = await api.fetch(new Request(NOTES, { method: 'DELETE' }));
  expect([deleted.status, deleted.headers.get('Allow')]).toEqual([405, 'GET, HEAD, POST']);
  expect((await api.fetch(new Request('http://site.test/api/other'))).status).toBe(404);
});

test('tells the time until the client has left', async () => {
  vi.useFakeTimers({ now: 0 });
  try {
    const { body } = await api.fetch(new Request('http://site.test/api/clock'));
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('data: 1970-01-01T00:00:00.000Z\n\n');
    vi.advanceTimersByTime(1000);
    expect((await reader.read()).value).toBe('data: 1970-01-01T00:00:01.000Z\n\n');
    expect(vi.getTimerCount()).toBe(1);
    await reader.cancel();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
