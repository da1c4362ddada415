import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Real processes on a small machine: starting an interpreter under load takes seconds.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    setupFiles: ['tests/support/own-temporary-folder.ts'],
    // Some tests are about milliseconds, and CI machines are shared: one that fails there is run once more, and reported as retried.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
});
