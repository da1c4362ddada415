/**
 * A temporary folder for each test file, as the system's own is: commands for a running xgi find those of other test files no more, which run at
 * the same time. Short, as the paths of Unix-domain sockets in it have to be.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

const before = process.env['TMPDIR'];
const folder = mkdtempSync(path.join(tmpdir(), 'x-'));
// Programs of other users use it, too.
chmodSync(folder, 0o1777);
process.env['TMPDIR'] = folder;

afterAll(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});
