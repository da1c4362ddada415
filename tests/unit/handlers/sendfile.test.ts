import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendFile, takeSendFile } from '../../../src/handlers/sendfile.js';
import { ResponseHead } from '../../../src/http/response-head.js';
import type { FileBody } from '../../../src/types.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';
import { newRequest } from '../gateway/requests.js';

const folder = makeTempDir();
const root = `${folder}/files`;

beforeAll(() => {
  for (const name of ['files/deep', 'files2', 'other']) mkdirSync(`${folder}/${name}`, { recursive: true });
  for (const name of ['files/a.txt', 'files/deep/b.txt', 'files2/secret', 'other/c.txt', 'files/empty'])
    writeFileSync(`${folder}/${name}`, name === 'files/empty' ? '' : name);
  writeFileSync(Buffer.from(`${root}/\xff`, 'latin1'), 'no UTF-8');
  symlinkSync('a.txt', `${root}/link`);
  symlinkSync('../files2/secret', `${root}/out`);
  symlinkSync('../files2', `${root}/out-folder`);
  symlinkSync('../files/a.txt', `${folder}/other/in`);
  execFileSync('mkfifo', [`${root}/fifo`]);
});

afterAll(() => removeTempDir(folder));

const HEAD = new ResponseHead(200, ['Content-Type', 'text/plain', 'content-length', '3', 'X-A', 'b'], 'Fine');

async function send(file: string, roots: readonly string[] = [root], head = HEAD): Promise<string> {
  const response = await sendFile(newRequest(), { file, head, roots });
  const { handle, pieces } = (response.body as { file: FileBody }).file;
  try {
    const content = await handle.readFile('latin1');
    expect(pieces).toEqual([{ offset: 0, length: content.length }]);
    return content;
  } finally {
    await handle.close();
  }
}

describe('sends', () => {
  test.each([
    ['a file', `${root}/a.txt`, 'files/a.txt'],
    ['one in a folder below', `${root}/deep/b.txt`, 'files/deep/b.txt'],
    ['by a link inside', `${root}/link`, 'files/a.txt'],
    ['by a link from outside', `${folder}/other/in`, 'files/a.txt'],
    ['by a way around', `${root}/deep/../a.txt`, 'files/a.txt'],
    ['an empty one', `${root}/empty`, ''],
    ['one whose name is byte text', `${root}/\xff`, 'no UTF-8'],
  ])('%s', async (_name, file, content) => {
    expect(await send(file)).toBe(content);
  });

  test('from any of several folders', async () => {
    expect(await send(`${folder}/other/c.txt`, [root, `${folder}/other`])).toBe('other/c.txt');
  });

  test('to POST with the head of the program, and the true length', async () => {
    const response = await sendFile(newRequest({ method: 'POST' }), {
      file: `${root}/a.txt`,
      head: HEAD,
      roots: [root],
    });
    await (response.body as { file: FileBody }).file.handle.close();
    const { status, reason, fields } = response.head;
    expect({ status, reason, fields }).toEqual({
      status: 200,
      reason: 'Fine',
      fields: ['Content-Type', 'text/plain', 'X-A', 'b', 'Content-Length', '11'],
    });
  });
});

describe('refuses', () => {
  test.each([
    [
      'all, if no folder is declared',
      `${root}/a.txt`,
      [],
      'no folder is declared for it with --sendfile-root',
    ],
    ['a relative path', 'a.txt', [root], 'the path is not absolute'],
    ['nothing', '', [root], 'the path is not absolute'],
    ['a file outside', `${folder}/other/c.txt`, [root], 'it is in none of the folders'],
    ['a folder whose name begins alike', `${folder}/files2/secret`, [root], 'it is in none of the folders'],
    ['a way out', `${root}/../files2/secret`, [root], 'it is in none of the folders'],
    ['a link that leads out', `${root}/out`, [root], 'it is in none of the folders'],
    ['a folder that leads out', `${root}/out-folder/secret`, [root], 'it is in none of the folders'],
    ['a folder', `${root}/deep`, [root], 'it is no regular file'],
    ['the root itself', root, [root], 'it is no regular file'],
    ['a pipe, without waiting for a writer', `${root}/fifo`, [root], 'it is no regular file'],
    ['what is not there', `${root}/nothing`, [root], 'ENOENT'],
    ['what is below a file', `${root}/a.txt/b`, [root], 'ENOTDIR'],
  ])('%s', async (_name, file, roots, reason) => {
    await expect(send(file, roots)).rejects.toThrow(
      expect.objectContaining({
        status: 500,
        code: 'XGI_SENDFILE_REFUSED',
        message: expect.stringContaining(reason) as string,
      }),
    );
  });

  test('a path with a NUL', async () => {
    await expect(send(`${root}/a.txt\0`)).rejects.toThrow(
      expect.objectContaining({ code: 'XGI_SENDFILE_REFUSED' }),
    );
  });
});

describe('takeSendFile', () => {
  test('takes the field out, in whatever case', () => {
    expect(takeSendFile(['A', 'b', 'x-SENDFILE', '/f', 'C', 'x-sendfile'])).toEqual({
      fields: ['A', 'b', 'C', 'x-sendfile'],
      file: '/f',
    });
    const fields = ['A', 'b'];
    expect(takeSendFile(fields)).toEqual({ fields, file: undefined });
  });

  test('two are refused', () => {
    expect(() => takeSendFile(['X-Sendfile', '/a', 'X-Sendfile', '/b'])).toThrow(
      expect.objectContaining({ status: 500, code: 'XGI_SENDFILE_REFUSED' }),
    );
  });
});
