// The hunks of a difference on their way into steps.
import type { DiffFile } from '../../git/diff.ts';
import type { HunkKey, TutorialStep } from '../model.ts';
import { describeSymbols } from './symbols.ts';

/** A file with those of its hunks that belong together. */
export interface Part {
  file: DiffFile;
  keys: HunkKey[];
}

export interface Group {
  title: string;
  intent: string;
  prose: string;
  parts: Part[];
  folded: boolean;
}

export const countHunks = ({ parts }: Pick<Group, 'parts'>): number =>
  parts.reduce((sum, { keys }) => sum + keys.length, 0);

export function toStep(group: Group): TutorialStep {
  const symbols = describeSymbols(
    group.parts.map(({ file, keys }) => ({
      ...file,
      hunks: keys.flatMap(({ hunk }) => file.hunks[hunk] ?? []),
    })),
  );
  return {
    title: group.title,
    intent: group.intent,
    prose: [group.prose, symbols].filter(Boolean).join('\n\n'),
    hunks: group.parts.flatMap(({ keys }) => keys),
    folded: group.folded,
  };
}

/** The parts of both, each file once, in the order of the first. */
export function joinParts(some: readonly Part[], others: readonly Part[]): Part[] {
  const joined = some.map(({ file, keys }) => ({ file, keys: [...keys] }));
  for (const { file, keys } of others) {
    const known = joined.find((part) => part.file === file);
    if (known === undefined) joined.push({ file, keys: [...keys] });
    else known.keys.push(...keys);
  }
  for (const { keys } of joined) keys.sort((a, b) => a.hunk - b.hunk);
  return joined;
}
