// How the tests run: in random order, files side by side in processes of their own, nothing mocked.
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Of the order of all files. */
const lastLong = 0.7;

/** Files that take long: browsers, whole programs, and a few that wait for others. */
const isLong = ({ moduleId }: TestSpecification): boolean =>
  /\/test\/(?:browser|scenarios)\/|\/(?:slurm|snapshots|present-bomb)\.test/.test(moduleId);

/** In random order, but no long file at the end: it would keep one processor while the other has nothing to do. */
class LongNotLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { seed } = this.ctx.config.sequence;
    const placed = files.map((file) => {
      const name = `${seed} ${file.moduleId.slice(root.length)}`;
      const random = createHash('sha256').update(name).digest().readUInt32BE() / 2 ** 32;
      return { file, place: isLong(file) ? random * lastLong : random };
    });
    return placed.toSorted((a, b) => a.place - b.place).map(({ file }) => file);
  }
}

export default defineConfig({
  root,
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Many tests wait for programs, so two more than there are processors.
    maxWorkers: availableParallelism() + 2,
    sequence: { shuffle: true, sequencer: LongNotLast },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test waits for comes late on a machine that runs all of them at once.
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
