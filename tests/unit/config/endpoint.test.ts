import { describe, expect, test } from 'vitest';
import { endpointHint, parseEndpoint, parsePort } from '../../../src/config/endpoint.js';

describe('parseEndpoint', () => {
  test.each([
    ['127.0.0.1:8000', { kind: 'tcp', host: '127.0.0.1', port: 8000 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['app_1.internal.:80', { kind: 'tcp', host: 'app_1.internal.', port: 80 }],
    [':8000', { kind: 'tcp', host: '0.0.0.0', port: 8000 }],
    ['[::1]:8000', { kind: 'tcp', host: '::1', port: 8000 }],
    ['[fe80::1%eth0]:65535', { kind: 'tcp', host: 'fe80::1%eth0', port: 65_535 }],
    ['unix:/run/app.sock', { kind: 'unix', path: '/run/app.sock' }],
    ['unix:app.sock', { kind: 'unix', path: '/srv/app.sock' }],
    ['unix:../a:b', { kind: 'unix', path: '/a:b' }],
    ['fd://3', { kind: 'fd', fd: 3 }],
  ])('%s', (text, endpoint) => {
    expect(parseEndpoint(text, '/srv')).toEqual(endpoint);
  });

  test.each([
    '',
    '8000',
    'localhost',
    'localhost:',
    'localhost:http',
    'localhost:65536',
    'localhost:-1',
    'localhost: 80',
    '::1:8000',
    '[::1]',
    '[127.0.0.1]:80',
    '1.2.3:80',
    '256.1.1.1:80',
    'a b:80',
    'http://localhost:80',
    '-a:80',
    'unix:',
    `unix:/${'x'.repeat(107)}`,
    'unix:a\0b',
    'fd://',
    'fd://2',
    'fd://x',
  ])('%j is refused', (text) => {
    expect(parseEndpoint(text, '/srv')).toBeUndefined();
  });

  test('a socket path may have 107 bytes', () => {
    expect(parseEndpoint(`unix:/${'x'.repeat(106)}`, '/srv')).toBeDefined();
    expect(parseEndpoint(`unix:/${'ä'.repeat(54)}`, '/srv')).toBeUndefined();
  });
});

test.each([
  ['0', 0],
  ['65535', 65_535],
  ['65536', undefined],
  ['', undefined],
  ['80a', undefined],
  ['-1', undefined],
  ['1.5', undefined],
])('parsePort(%j) is %j', (text, port) => {
  expect(parsePort(text)).toBe(port);
});

test.each([
  ['8000', '; did you mean 127.0.0.1:8000, or :8000 for every IPv4 address?'],
  ['localhost', '; did you mean localhost:8000?'],
  ['10.0.0.1', '; did you mean 10.0.0.1:8000?'],
  ['[::1]', '; did you mean [::1]:8000?'],
  ['http://localhost', '; did you mean localhost:80?'],
  ['http://localhost:9000/', '; did you mean localhost:9000?'],
  ['/run/app.sock', '; did you mean unix:/run/app.sock?'],
  ['./app.sock', '; did you mean unix:./app.sock?'],
  [
    `unix:/${'x'.repeat(107)}`,
    ', which is too long: the absolute path of a socket has at most 107 bytes, this one 108',
  ],
  ['', ''],
  ['99999', ''],
  ['1.2.3', ''],
  ['localhost:http', ''],
  ['unix:', ''],
  ['unix:a\0b', ''],
  ['http://', ''],
])('the hint at %j', (text, hint) => {
  expect(endpointHint(text, '/srv')).toBe(hint);
});
