// The shapes in which the results of tests leave the forge.
import { z } from 'zod';
import { testStates } from '../../lib/reported-test.ts';

const time = z.string().nullable();

/** A test of a lane as one attempt saw it; `file` is a file of the commit. */
export const testView = z.object({
  suite: z.string(),
  name: z.string(),
  state: z.enum(testStates),
  durationMs: z.number().nullable(),
  message: z.string().nullable(),
  output: z.string().nullable(),
  file: z.string().nullable(),
  line: z.number().nullable(),
  /** When it last passed and failed with the same files, if it did so lately. */
  flakyAt: time,
  /** The page of its history. */
  url: z.string(),
});

export const laneTestsView = z.object({
  lane: z.string(),
  attempt: z.number(),
  passed: z.number(),
  failed: z.number(),
  errors: z.number(),
  skipped: z.number(),
  reports: z.array(z.object({ path: z.string(), tests: z.number(), problem: z.string().nullable() })),
  /** Failing ones, with their output; the first of many. */
  failures: z.array(testView),
  url: z.string(),
});
export type LaneTestsView = z.infer<typeof laneTestsView>;

/** The newest attempts of the lanes that have reports. */
export const runTestsView = z.object({ run: z.number(), lanes: z.array(laneTestsView) });
export type RunTestsView = z.infer<typeof runTestsView>;

/** All tests of an attempt, a page at a time; ask again with `page` set to `nextPage`. */
export const attemptTestsView = laneTestsView.extend({
  tests: z.array(
    z.object({
      suite: z.string(),
      name: z.string(),
      state: z.enum(testStates),
      durationMs: z.number().nullable(),
      message: z.string().nullable(),
      file: z.string().nullable(),
      line: z.number().nullable(),
      flakyAt: time,
    }),
  ),
  nextPage: z.number().nullable(),
});

const testId = { lane: z.string(), suite: z.string(), name: z.string() };

/** The tests of a repository, as each ended last. */
export const testListView = z.object({
  tests: z.array(
    z.object({
      ...testId,
      state: z.enum(testStates),
      durationMs: z.number().nullable(),
      flakyAt: time,
      url: z.string(),
    }),
  ),
  nextPage: z.number().nullable(),
});

/** The history of one test, newest first; `next` is the `before` of the page behind. */
export const testHistoryView = z.object({
  ...testId,
  flakyAt: time,
  results: z.array(
    z.object({
      run: z.number(),
      attempt: z.number(),
      state: z.enum(testStates),
      durationMs: z.number().nullable(),
      commit: z.string(),
      tree: z.string(),
      branch: z.string().nullable(),
      message: z.string().nullable(),
      at: z.string(),
      /** Another result with the same files says the opposite. */
      contradicted: z.boolean(),
      url: z.string(),
    }),
  ),
  next: z.number().nullable(),
});
