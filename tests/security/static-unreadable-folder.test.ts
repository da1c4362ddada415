/** A folder that may be entered but not read has no listing: that is an answer, 403, and no failure inside. */
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const folder = new StaticFolder({ 'closed/file.txt': 'content' });
afterAll(() => folder.remove());

// Root reads everything.
test.skipIf(process.getuid?.() === 0)('the listing of a folder that cannot be read', async () => {
  const closed = path.join(folder.root, 'closed');
  chmodSync(closed, 0o311);
  try {
    const { get } = await folder.serve({ listing: true });
    const { status, body } = await get('/closed/');
    expect(status).toBe(403);
    expect(body.toString()).toContain('XGI_STATIC_UNREADABLE');
    expect((await get('/closed/file.txt')).status).toBe(200);
  } finally {
    chmodSync(closed, 0o755);
  }
});
