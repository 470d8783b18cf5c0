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
