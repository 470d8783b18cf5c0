// The writer that needs nothing but the branch: steps from its commits when they explain it, otherwise from what each
// file is for, in the order in which a reader builds up understanding. The same branch always gets the same tutorial.
import { generatedReason, pathOf } from '../../repos/file-view.ts';
import type { DiffFile } from '../../git/diff.ts';
import { coverEveryHunk, hunksOf } from '../coverage.ts';
import type { TutorialBody } from '../model.ts';
import { commitGroup, groupByCommit } from './by-commit.ts';
import { groupByRole } from './by-role.ts';
import { paragraphsOf } from './paragraphs.ts';
import { toStep, type Group, type Part } from './group.ts';
import type { TutorialWriter, WriterInput } from './writer.ts';

const maxSteps = 12;

export const outlineWriter: TutorialWriter = {
  name: 'outline',
  write: (input) => ({ body: writeOutline(input) }),
};

export function writeOutline(input: WriterInput): TutorialBody {
  const isGenerated = (file: DiffFile) => generatedReason(pathOf(file)) !== undefined;
  const written = input.diff.files.filter((file) => !isGenerated(file)).map(wholeFile);
  const generated = input.diff.files.filter(isGenerated).map(wholeFile);
  const groups = groupsOf(written, input);
  if (generated.length > 0) groups.push(generatedGroup(generated));
  // What no commit names (the resolution of a merge) is left to the coverage.
  return coverEveryHunk({ summary: summarise(input), steps: groups.map(toStep) }, input.diff);
}

const wholeFile = (file: DiffFile): Part => ({ file, keys: hunksOf(file) });

function groupsOf(parts: readonly Part[], { commits }: WriterInput): Group[] {
  // Two places are left: for what is generated, and for what no commit names.
  const byCommit = groupByCommit(parts, commits, maxSteps - 2);
  if (byCommit !== undefined) return byCommit;
  const byRole = groupByRole(parts, maxSteps - 1);
  const [only] = commits;
  if (commits.length !== 1 || only === undefined || byRole.length !== 1) return byRole;
  return [{ ...commitGroup(only), parts: [...parts] }];
}

function summarise({ title, commits }: WriterInput): string {
  const [only] = commits;
  const first = commits.find((commit) => firstParagraph(commit.body) !== '');
  if (commits.length <= 1) return only === undefined ? title : firstParagraph(only.body) || only.subject;
  if (first !== undefined && commits.length <= 3) return firstParagraph(first.body);
  const shown = commits.slice(0, 4).map((commit) => commit.subject);
  return `${shown.join('; ')}${commits.length > 4 ? `; and ${commits.length - 4} more commits` : ''}.`;
}

function generatedGroup(parts: Part[]): Group {
  return {
    title: 'Generated files',
    intent: 'Written by programs; they follow from the steps above.',
    prose: '',
    parts,
    folded: true,
  };
}

const firstParagraph = (body: string): string => (paragraphsOf(body)[0] ?? '').replaceAll(/\s+/g, ' ');
