// What a lane's reports said, as it goes from the lane thread to the forge with the lane's end.
import { z } from 'zod';
import { testStates } from '../../lib/reported-test.ts';

export const reportFinding = z.strictObject({
  /** In the checkout; a pattern of the manifest when no file matches it. */
  path: z.string(),
  tests: z.number(),
  problem: z.string().optional(),
});
export type ReportFinding = z.infer<typeof reportFinding>;

export const locatedTest = z.strictObject({
  suite: z.string(),
  name: z.string(),
  state: z.enum(testStates),
  durationMs: z.number().optional(),
  message: z.string().optional(),
  output: z.string().optional(),
  /** A file of the commit, and the line of it that failed. */
  file: z.string().optional(),
  line: z.number().optional(),
  flaky: z.boolean(),
});
export type LocatedTest = z.infer<typeof locatedTest>;

export const reportedTests = z.strictObject({
  reports: z.array(reportFinding),
  tests: z.array(locatedTest),
});
export type ReportedTests = z.infer<typeof reportedTests>;
