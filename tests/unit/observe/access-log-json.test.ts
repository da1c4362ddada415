import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toByteText } from '../../../src/gateway/byte-text.js';
import { formatJson } from '../../../src/observe/access-log-json.js';
import { ResponseHead } from '../../../src/http/response-head.js';
import { fakeFinish, fakeRequest } from '../../support/finish.js';

test('whatever a client sends is one line of ASCII, and reads as what it was', () => {
  const latin1 = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  });
  const anyText = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(latin1, latin1, anyText, latin1, anyText, (target, agent, id, type, user) => {
      const identity = { scheme: 'Basic', user: toByteText(user) };
      const request = fakeRequest({ target, id, identity, fields: ['User-Agent', agent] });
      const contentType = type.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');
      const line = formatJson(
        fakeFinish({ request, head: new ResponseHead(200, ['Content-Type', contentType]) }),
      );
      expect(line).toMatch(/^[\x20-\x7e]+\n$/);
      expect(JSON.parse(line)).toMatchObject({
        target,
        userAgent: agent,
        id,
        contentType,
        user: Buffer.from(user).toString(),
      });
    }),
  );
});

test('what is not known is null, and numbers are numbers', () => {
  expect(
    JSON.parse(
      formatJson(fakeFinish({ request: null, head: null, status: 400, bodyBytes: 0, durationMs: 0 })),
    ),
  ).toEqual({
    ...{
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      id: null,
      client: '10.0.0.1',
      user: null,
      method: null,
    },
    ...{
      scheme: null,
      host: null,
      target: null,
      protocol: null,
      status: 400,
      bodyBytes: 0,
      durationMs: 0,
      aborted: false,
    },
    ...{ contentType: null, referer: null, userAgent: null },
  });
});
