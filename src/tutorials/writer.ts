// The seam behind which a tutorial is written. `outline` is the writer that needs no network and always works.
import type { Diff } from '../git/diff.ts';
import type { TutorialBody } from './model.ts';

/** One commit of the branch, the oldest first, with the paths it touches. */
export interface Commit {
  subject: string;
  body: string;
  paths: string[];
}

export interface WriterInput {
  title: string;
  commits: readonly Commit[];
  diff: Diff;
}

export interface TutorialWriter {
  name: string;
  write(input: WriterInput): Promise<TutorialBody> | TutorialBody;
}
