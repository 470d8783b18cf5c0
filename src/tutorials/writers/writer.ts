// The seam behind which a tutorial is written. `outline` is the writer that needs no network and always works; every
// other one may fail, and says whether it is worth to ask it again.
import type { Diff } from '../../git/diff.ts';
import type { CommitLines } from './commit-lines.ts';
import type { TutorialBody, WriterUsage } from '../model.ts';

/** One commit of the branch, the oldest first, with the paths it touches. */
export interface Commit {
  subject: string;
  body: string;
  paths: string[];
  /** The lines it adds and removes, where they could be read. */
  lines?: CommitLines | undefined;
}

export interface WriterInput {
  title: string;
  commits: readonly Commit[];
  diff: Diff;
}

export interface Written {
  body: TutorialBody;
  /** What it cost, where the writer tells. */
  usage?: WriterUsage;
}

export interface TutorialWriter {
  name: string;
  /** Throws `WriterFailure`; anything else that it throws is taken for one that does not pass. */
  write(input: WriterInput, signal: AbortSignal): Promise<Written> | Written;
}

/** Why a writer wrote nothing. `passes`: asked again later, it may. */
export class WriterFailure extends Error {
  override name = 'WriterFailure';
  readonly passes: boolean;
  /** How long the writer asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: ErrorOptions & { passes: boolean; retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.passes = options.passes;
    this.retryAfterMs = options.retryAfterMs;
  }
}
