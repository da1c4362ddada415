/**
 * Certificate files that are none: a FIFO that nobody writes to, a device without an end. A reload reads them while the server serves: whoever may
 * renew a certificate must not be able to stop it, by mistake or not. And a file of authorities that is broken in the middle, of which only the
 * first would count.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readAuthorities, readCertificate } from '../../src/server/tls/certificate.js';
import { Authority } from '../support/certificates.js';
import { makeTempDir } from '../support/temp-dir.js';

const authority = new Authority();
const pair = authority.issue('server');

describe.each(['certFile', 'keyFile'] as const)('%s', (which) => {
  test.each([
    ['a FIFO', (file: string) => execFileSync('mkfifo', [file]), 'it is not a regular file'],
    ['a device', (file: string) => symlinkSync('/dev/zero', file), 'it is not a regular file'],
    [
      'a disk image',
      (file: string) => {
        writeFileSync(file, '');
        truncateSync(file, 2 ** 30);
      },
      'it has 1073741824 bytes, and at most 1048576 are read',
    ],
  ])('%s', (_, make, message) => {
    const file = path.join(makeTempDir(), 'file');
    make(file);
    const files = { certFile: pair.cert, keyFile: pair.key, [which]: file };
    expect(() => readCertificate(files, () => {})).toThrow(`${file}: ${message}`);
  });
});

test('a file of authorities of which one is broken', () => {
  const file = path.join(makeTempDir(), 'authorities');
  const good = readFileSync(authority.cert, 'latin1');
  writeFileSync(file, `# ours\n${good}\n${good}`);
  expect(readAuthorities(file)).toContain('# ours');
  writeFileSync(file, `${good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${good}`);
  expect(() => readAuthorities(file)).toThrow(`${file}, certificate 2: expected a certificate in PEM form`);
  rmSync(file);
});
