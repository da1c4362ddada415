import { describe, expect, test } from 'vitest';
import { readAnswerHead } from '../../../src/workers/answer-head.js';

describe('readAnswerHead', () => {
  test('reads status, reason and fields', () => {
    const head = readAnswerHead('201 Created here\0Content-Type\0text/plain\0X-Empty\0\0X-Latin\0caf\u00e9');
    expect(head.status).toBe(201);
    expect(head.reason).toBe('Created here');
    expect(head.fields).toEqual(['Content-Type', 'text/plain', 'X-Empty', '', 'X-Latin', 'caf\u00e9']);
  });

  test('a status without a reason, and no fields', () => {
    expect(readAnswerHead('200')).toMatchObject({ status: 200, reason: '', fields: [] });
    expect(readAnswerHead('299 ')).toMatchObject({ status: 299, reason: '' });
  });

  test('the same head again is the same object', () => {
    const text = '200 OK\0X-Same\0yes';
    expect(readAnswerHead(text)).toBe(readAnswerHead(text));
  });

  test('heads that never come again do no harm', () => {
    for (let i = 0; i < 2000; i++) expect(readAnswerHead(`200 OK\0X-I\0${i}`).fields[1]).toBe(String(i));
    const long = `200 OK\0X-Long\0${'x'.repeat(2000)}`;
    expect(readAnswerHead(long)).not.toBe(readAnswerHead(long));
  });

  test.each([
    ['an empty head', ''],
    ['a word', 'OK'],
    ['two digits', '99 x'],
    ['four digits', '2000 x'],
    ['an interim status', '103 Early Hints'],
    ['101', '101 Switching Protocols'],
    ['600', '600 x'],
    ['a sign', '+200 OK'],
    ['a line end in the reason', '200 OK\r\nX: y'],
    ['a line end in a value', '200 OK\0X\0a\r\nb: c'],
    ['a line end in a name', '200 OK\0X\r\nY\0a'],
    ['a name without a value', '200 OK\0X'],
    ['an empty name', '200 OK\0\0a'],
    ['a name with a space', '200 OK\0X Y\0a'],
    ['Connection', '200 OK\0Connection\0close'],
    ['Transfer-Encoding', '200 OK\0transfer-encoding\0chunked'],
    ['Upgrade', '200 OK\0Upgrade\0h2c'],
    ['two Content-Length', '200 OK\0Content-Length\u00001\0content-length\u00001'],
    ['a Content-Length that is none', '200 OK\0Content-Length\0-1'],
    ['a Content-Length beyond all files', '200 OK\0Content-Length\u00009999999999999999'],
    ['204 with Content-Length', '204 No Content\0Content-Length\u00005'],
  ])('%s is refused with 502, each time', (_name, text) => {
    const refused = expect.objectContaining({ status: 502, code: 'XGI_WORKER_BAD_HEAD' }) as Error;
    expect(() => readAnswerHead(text)).toThrow(refused);
    expect(() => readAnswerHead(text)).toThrow(refused);
  });
});
