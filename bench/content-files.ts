/** What the benchmarks of compression and of the cache ask for: one file each. */
import { gzipSync } from 'node:zlib';
import { requestBytes } from './http/request-bytes.js';
import type { StaticFile } from './static-files.js';

const JSON_BYTES = 102_400;
const PAGE_BYTES = 4096;
const WORDS = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta', 'iota', 'kappa'];

/** As the list of an interface has it: compressed, a sixth of it. */
export const jsonAnswer = createJsonAnswer();

export const cachedPage = createPage();

function createJsonAnswer(): StaticFile {
  const content = Buffer.from(jsonText());
  const answer = { status: 200, contentType: 'application/json; charset=utf-8', body: content };
  const target = '/list.json';
  return {
    name: 'json',
    title: 'a JSON answer of 100 KB, gzip level 5',
    file: 'list.json',
    size: '100 KB',
    content,
    connections: 32,
    exchanges: [
      {
        request: requestBytes({ target, fields: { 'Accept-Encoding': 'gzip' } }),
        answer: { ...answer, hasLength: false, coding: 'gzip' },
      },
      { request: requestBytes({ target }), answer: { ...answer, hasLength: true } },
    ],
    // Nobody makes it a tenth shorter than that.
    load: {
      path: target,
      postBytes: 0,
      answerBytes: Math.floor(gzipSync(content, { level: 9 }).length * 0.9),
      fields: ['Accept-Encoding: gzip'],
    },
  };
}

/** The same each time, and no two rows alike. */
function jsonText(): string {
  const rows: string[] = [];
  let bytes = 0;
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const word = (): string => WORDS[random(WORDS.length)]!;
  for (let id = 0; bytes < JSON_BYTES; id += 1) {
    const row = JSON.stringify({
      id,
      name: `${word()} ${word()}`,
      email: `user${random(1_000_000)}@example.org`,
      active: random(2) === 0,
      score: random(10_000) / 100,
      tags: [word(), word()],
    });
    rows.push(row);
    bytes += row.length + 1;
  }
  return `[${rows.join(',')}]`;
}

function createPage(): StaticFile {
  const content = Buffer.from(
    `<!doctype html><title>page</title>${'<p>text</p>'.repeat(PAGE_BYTES)}`.slice(0, PAGE_BYTES),
  );
  const target = '/page.html';
  const answer = { status: 200, contentType: 'text/html; charset=utf-8', body: content, hasLength: true };
  return {
    name: 'page',
    title: 'a page of 4 KB',
    file: 'page.html',
    size: '4 KB',
    content,
    connections: 32,
    exchanges: [{ request: requestBytes({ target }), answer }],
    load: { path: target, postBytes: 0, answerBytes: content.length },
  };
}
