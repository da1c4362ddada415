import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const live = new Set<string>();

process.on('exit', () => {
  for (const directory of live) rmSync(directory, { recursive: true, force: true });
});

/**
 * Makes a private directory (mode 0700) with a short path, so that a Unix socket inside it stays under
 * the 107 bytes the kernel allows. Removed when the test process exits, or before by
 * {@link removeTempDir}.
 */
export function makeTempDir(): string {
  const directory = mkdtempSync(path.join(realpathSync(tmpdir()), 'xgi-'));
  live.add(directory);
  return directory;
}

export function removeTempDir(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  live.delete(directory);
}
