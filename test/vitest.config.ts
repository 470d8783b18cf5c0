// How the tests run: in random order, files side by side in processes of their own, nothing mocked.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { shuffle: true },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test waits for comes late on a machine that runs all of them at once.
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
