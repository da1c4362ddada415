import { BlockList, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RemoteProtocolError } from '../../../src/errors.js';
import { MAX_PROXY_HEADER_BYTES, readProxyHeader } from '../../../src/http/proxy-protocol.js';

const v1 = (line: string): Buffer => Buffer.from(`${line}\r\n`, 'latin1');

/** A header of version 2; the length is that of the rest, if not another is given. */
function v2(command: number, family: number, rest: Buffer = Buffer.alloc(0), length = rest.length): Buffer {
  const fixed = Buffer.from('\r\n\r\n\0\r\nQUIT\n\0\0\0\0', 'latin1');
  fixed[12] = command;
  fixed[13] = family;
  fixed.writeUInt16BE(length, 14);
  return Buffer.concat([fixed, rest]);
}

const IPV4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb]);
const ENDS = {
  remoteAddress: '192.0.2.1',
  remotePort: 56324,
  localAddress: '198.51.100.2',
  localPort: 443,
};

test.each<[string, Buffer, object | null]>([
  ['version 1, TCP4', v1('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443'), ENDS],
  [
    'version 1, TCP6',
    v1('PROXY TCP6 2001:db8::1 ::1 1 65535'),
    { remoteAddress: '2001:db8::1', remotePort: 1, localAddress: '::1', localPort: 65535 },
  ],
  ['version 1, unknown', v1('PROXY UNKNOWN'), null],
  ['version 1, unknown with addresses', v1('PROXY UNKNOWN ffff::1 ffff::2 1 2'), null],
  ['version 2, TCP over IPv4', v2(0x21, 0x11, IPV4), ENDS],
  ['version 2, with extensions', v2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([0x04, 0, 1, 0])])), ENDS],
  ['version 2, a health check', v2(0x20, 0x00), null],
  ['version 2, a health check with addresses', v2(0x20, 0x11, IPV4), null],
  ['version 2, unspecified', v2(0x21, 0x00, Buffer.from('x')), null],
  ['version 2, over a Unix-domain socket', v2(0x21, 0x31, Buffer.alloc(216)), null],
])('%s', (_name, header, ends) => {
  const rest = Buffer.from('GET / HTTP/1.1\r\n');
  expect(readProxyHeader(Buffer.concat([header, rest]))).toEqual({ length: header.length, ends });
  for (let length = 0; length < header.length; length++)
    expect(readProxyHeader(header.subarray(0, length)), `of ${length} bytes`).toBeUndefined();
});

describe('refused', () => {
  test.each<[string, Buffer]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['TLS', Buffer.from([0x16, 0x03, 0x01])],
    ['lower case', v1('proxy TCP4 192.0.2.1 198.51.100.2 1 2')],
    ['another family', v1('PROXY UDP4 192.0.2.1 198.51.100.2 1 2')],
    ['no addresses', v1('PROXY TCP4')],
    ['an IPv6 address as TCP4', v1('PROXY TCP4 ::1 198.51.100.2 1 2')],
    ['an IPv4 address as TCP6', v1('PROXY TCP6 192.0.2.1 ::1 1 2')],
    ['a zone', v1('PROXY TCP6 fe80::1%eth0 ::1 1 2')],
    ['a short address', v1('PROXY TCP4 192.0.2 198.51.100.2 1 2')],
    ['a port too large', v1('PROXY TCP4 192.0.2.1 198.51.100.2 65536 2')],
    ['a port with a zero', v1('PROXY TCP4 192.0.2.1 198.51.100.2 01 2')],
    ['a port with a sign', v1('PROXY TCP4 192.0.2.1 198.51.100.2 +1 2')],
    ['no port', v1('PROXY TCP4 192.0.2.1 198.51.100.2 1')],
    ['one word more', v1('PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3')],
    ['two spaces', v1('PROXY TCP4  192.0.2.1 198.51.100.2 1 2')],
    ['a control character', v1('PROXY TCP4 192.0.2.1 198.51.100.2 1 2\0')],
    ['an endless line', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(107)}`)],
    ['a line that is too long', v1(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
    ['version 3', v2(0x31, 0x11, IPV4)],
    ['another command', v2(0x22, 0x11, IPV4)],
    ['UDP', v2(0x21, 0x12, IPV4)],
    ['too short for its addresses', v2(0x21, 0x11, IPV4.subarray(0, 11))],
    ['too short for IPv6', v2(0x21, 0x21, Buffer.alloc(35))],
    ['one that is too long to wait for', v2(0x21, 0x11, Buffer.alloc(0), MAX_PROXY_HEADER_BYTES)],
  ])('%s', (_name, bytes) => {
    expect(() => readProxyHeader(bytes)).toThrow(
      expect.objectContaining({ code: 'XGI_PROXY_HEADER', status: 400 }) as RemoteProtocolError,
    );
  });
});

test('IPv6 addresses of version 2 are written as the system does', () => {
  const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(address, address, fc.nat(65_535), fc.nat(65_535), (remote, local, remotePort, localPort) => {
      const rest = Buffer.alloc(36);
      rest.set(remote, 0);
      rest.set(local, 16);
      rest.writeUInt16BE(remotePort, 32);
      rest.writeUInt16BE(localPort, 34);
      const ends = readProxyHeader(v2(0x21, 0x21, rest))!.ends!;
      expect(ends).toMatchObject({ remotePort, localPort });
      for (const [text, bytes] of [
        [ends.remoteAddress, remote],
        [ends.localAddress, local],
      ] as const) {
        const block = new BlockList();
        block.addAddress(Buffer.from(bytes).toString('hex').match(/..../g)!.join(':'), 'ipv6');
        expect(block.check(text, 'ipv6')).toBe(true);
        expect(new SocketAddress({ address: text, family: 'ipv6' }).address).toBe(text);
      }
    }),
  );
});

test('one address is written in one way', () => {
  const of = (address: string): string =>
    readProxyHeader(v1(`PROXY TCP6 ${address} ::1 1 2`))!.ends!.remoteAddress;
  expect(of('2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1');
  expect(of('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(of('::FFFF:c000:201')).toBe('192.0.2.1');
});

test('whatever comes is a header, the beginning of one, or refused', () => {
  const beginnings = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY '), v2(0x21, 0x11).subarray(0, 12));
  fc.assert(
    fc.property(beginnings, fc.uint8Array({ maxLength: 300 }), (beginning, rest) => {
      const bytes = Buffer.concat([beginning, rest]);
      try {
        const header = readProxyHeader(bytes);
        if (header !== undefined) expect(header.length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(RemoteProtocolError);
      }
    }),
  );
});
