// Reading the tutorial is reviewing the whole change: every hunk of the difference belongs to exactly one step.
import { pathOf } from '../repos/file-view.ts';
import type { Diff, DiffFile } from '../git/diff.ts';
import type { HunkKey, TutorialBody, TutorialStep } from './model.ts';

/** The keys of a file's hunks; a file without hunks (binary, mode, rename) has one. */
export const hunksOf = (file: DiffFile): HunkKey[] =>
  Array.from({ length: Math.max(1, file.hunks.length) }, (_, hunk) => ({ path: pathOf(file), hunk }));

const keyText = ({ path, hunk }: HunkKey): string => `${hunk} ${path}`;

/**
 * The tutorial with each hunk of `diff` in exactly one step: a hunk named twice stays in the first step, one that
 * does not exist is dropped, what no step names goes into a last step, and empty steps go.
 */
export function coverEveryHunk(body: TutorialBody, diff: Diff): TutorialBody {
  const open = new Map(diff.files.flatMap(hunksOf).map((key) => [keyText(key), key]));
  const steps: TutorialStep[] = [];
  for (const step of body.steps) {
    const hunks = step.hunks.filter((key) => open.delete(keyText(key)));
    if (hunks.length > 0) steps.push({ ...step, hunks });
  }
  if (open.size > 0) {
    steps.push({
      title: 'Everything else',
      intent: 'What no step above explains.',
      prose: '',
      hunks: [...open.values()],
      folded: false,
    });
  }
  return { summary: body.summary, steps };
}
