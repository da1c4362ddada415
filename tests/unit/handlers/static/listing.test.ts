import { afterAll, expect, test } from 'vitest';
import { toByteText } from '../../../../src/gateway/byte-text.js';
import { type FolderToList, Listings } from '../../../../src/handlers/static/listing.js';
import { fakeRequest } from '../../../support/finish.js';
import { pollUntil } from '../../../support/poll.js';
import { StaticFolder } from '../../../support/static-folder.js';

const folder = new StaticFolder({ 'a/1': '', 'b/1': '' });
afterAll(() => folder.remove());

const page = fakeRequest();
const json = fakeRequest({ fields: ['Accept', 'application/json'] });

function toList(name: string): FolderToList {
  const root = toByteText(folder.root);
  return { root, mount: '', folder: `${root}/${name}`, urlPath: `/${name}/` };
}

test('who asks for the same at the same time is given the same; who asks for another form or folder, that', async () => {
  const listings = new Listings(60_000);
  const asked = [page, page, json, json].flatMap((request) =>
    ['a', 'b'].map((name) => listings.answer(request, toList(name))),
  );
  const answers = await Promise.all(asked);
  expect(new Set(answers).size).toBe(4);
  expect(answers[0]).toBe(answers[2]);
  expect(answers[5]).toBe(answers[7]);
  expect(await listings.answer(page, toList('a'))).toBe(answers[0]);
});

test('what is older than fresh is made anew', async () => {
  const listings = new Listings(20);
  const first = await listings.answer(json, toList('a'));
  folder.write('a/2', '');
  await pollUntil(async () => (await listings.answer(json, toList('a'))) !== first);
  const { body } = await listings.answer(json, toList('a'));
  expect(body.kind === 'bytes' && body.bytes.toString()).toContain('"2"');
});

test('one that fails does not hold up the next', async () => {
  const listings = new Listings(60_000);
  const [missing, there] = await Promise.allSettled([
    listings.answer(page, toList('none')),
    listings.answer(page, toList('a')),
  ]);
  expect([missing?.status, there?.status]).toEqual(['rejected', 'fulfilled']);
});
