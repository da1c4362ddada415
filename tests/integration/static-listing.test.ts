/** Listings of large folders: they cost what they cost, but nobody else waits for them. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { StaticFolder } from '../support/static-folder.js';
import { startStatic } from '../support/static-site.js';
import { request, WsgiClient } from '../support/wsgi-client.js';

const COUNT = 5000;
const folder = new StaticFolder({ 'small.txt': 'small' });

beforeAll(() => {
  for (let i = 0; i < COUNT; i++) folder.write(`one/two/three/picture ${i}.jpg`, '');
  for (let i = 0; i < 500; i++) {
    folder.link(`one/link ${i}`, `two/three/picture ${i}.jpg`);
    folder.link(`one/out ${i}`, '../../beside.txt');
  }
  folder.write('../beside.txt', 'beside');
});
afterAll(() => folder.remove());

test('while one is made, others are answered', async () => {
  const { server } = await startStatic(folder, ['--listing']);
  const client = new WsgiClient(server.port);
  onTestFinished(() => client.close());
  const ask = async (): Promise<void> => {
    client.send('GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.answer()).status).toBe(200);
  };
  await ask();
  const beganAt = performance.now();
  let tookMs = 0;
  const listed = request(server.port, '/one/two/three/').then((answer) => {
    tookMs = performance.now() - beganAt;
    return answer;
  });
  const waits: number[] = [];
  while (tookMs === 0) {
    const askedAt = performance.now();
    await ask();
    waits.push(performance.now() - askedAt);
  }
  const { body } = await listed;
  expect(body.toString().match(/<a href=/g)).toHaveLength(COUNT + 1);
  expect(waits.length).toBeGreaterThan(10);
  expect(Math.max(...waits)).toBeLessThan(tookMs / 2);
});

test('many who ask at once do not wait for each other', async () => {
  const { get } = await folder.serve({ listing: true });
  const timed = async (count: number): Promise<number> => {
    const beganAt = performance.now();
    const answers = await Promise.all(Array.from({ length: count }, () => get('/one/two/three/')));
    expect(new Set(answers.map(({ body }) => body.length)).size).toBe(1);
    return performance.now() - beganAt;
  };
  const alone = await timed(1);
  expect(await timed(20)).toBeLessThan(alone * 10);
});

test('links: those within are listed as what they lead to', async () => {
  const { get } = await folder.serve({ listing: true });
  const { body } = await get('/one/', ['Accept: application/json']);
  const files = JSON.parse(body.toString()) as { name: string; type: string; size: number }[];
  expect(files).toHaveLength(501);
  expect(files.at(-1)).toMatchObject({ name: 'link 499', type: 'file', size: 0 });
});

test('of more than are listed, it is said how many', async () => {
  const { get } = await folder.serve({ listing: true });
  for (let i = 0; i < 3; i++) folder.write(`one/two/three/more ${i}.txt`, '');
  await pollUntil(
    async () => (await get('/one/two/three/')).body.includes('And 3 more, which are not listed'),
    {
      what: 'the listing to be made anew',
      deadlineMs: 5000,
    },
  );
});
