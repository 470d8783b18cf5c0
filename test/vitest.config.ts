// How the tests run: in random order, files side by side in processes of their own, nothing mocked.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Many tests wait for programs, so one more than there are processors.
    maxWorkers: Math.max(3, availableParallelism() + 1),
    sequence: { shuffle: true },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test waits for comes late on a machine that runs all of them at once.
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
