// The writer that needs nothing but the branch: steps from its commits when they are clean, otherwise from what each
// file is for, in the order in which a reader builds up understanding. The same branch always gets the same tutorial.
import { generatedReason, pathOf } from '../../repos/file-view.ts';
import type { DiffFile } from '../../git/diff.ts';
import { coverEveryHunk, hunksOf } from '../coverage.ts';
import type { TutorialBody, TutorialStep } from '../model.ts';
import { roleOf, roles, sourceOfTest, type Role } from './roles.ts';
import { describeSymbols } from './symbols.ts';
import type { Commit, TutorialWriter, WriterInput } from './writer.ts';

const maxSteps = 12;
// Commits explain a branch when nearly every file belongs to one of them.
const minOwnedShare = 0.7;

export const outlineWriter: TutorialWriter = {
  name: 'outline',
  write: (input) => ({ body: writeOutline(input) }),
};

interface Group {
  title: string;
  intent: string;
  prose: string;
  files: DiffFile[];
  folded: boolean;
}

export function writeOutline(input: WriterInput): TutorialBody {
  const isGenerated = (file: DiffFile) => generatedReason(pathOf(file)) !== undefined;
  const written = input.diff.files.filter((file) => !isGenerated(file));
  const generated = input.diff.files.filter(isGenerated);
  const groups = groupByCommit(written, input.commits) ?? groupByRole(written, input.commits);
  if (generated.length > 0) groups.push(generatedGroup(generated));
  const steps = groups.map(toStep);
  // What no commit names (the resolution of a merge) is left to the coverage.
  return coverEveryHunk({ summary: summarise(input), steps }, input.diff);
}

function toStep(group: Group): TutorialStep {
  const symbols = describeSymbols(group.files);
  return {
    title: group.title,
    intent: group.intent,
    prose: [group.prose, symbols].filter(Boolean).join('\n\n'),
    hunks: group.files.flatMap(hunksOf),
    folded: group.folded,
  };
}

function summarise({ title, commits }: WriterInput): string {
  const [only] = commits;
  const first = commits.find((commit) => commit.body !== '');
  if (commits.length <= 1) return only === undefined ? title : firstParagraph(only.body) || only.subject;
  if (first !== undefined && commits.length <= 3) return firstParagraph(first.body);
  const shown = commits.slice(0, 4).map((commit) => commit.subject);
  return `${shown.join('; ')}${commits.length > 4 ? `; and ${commits.length - 4} more commits` : ''}.`;
}

/** A step for each commit, or undefined when the commits do not explain the files one by one. */
function groupByCommit(files: readonly DiffFile[], commits: readonly Commit[]): Group[] | undefined {
  // Two places are left: for what is generated, and for what no commit names.
  if (commits.length < 2 || commits.length > maxSteps - 2) return undefined;
  const groups = commits.map((commit) => commitGroup(commit));
  let owned = 0;
  for (const file of files) {
    const touching = commits.flatMap((commit, index) => (commit.paths.includes(pathOf(file)) ? [index] : []));
    const last = touching.at(-1);
    if (last === undefined) continue;
    if (touching.length === 1) owned += 1;
    groups[last]?.files.push(file);
  }
  if (owned < minOwnedShare * files.length) return undefined;
  return groups.filter((group) => group.files.length > 0);
}

function commitGroup(commit: Commit): Group {
  const paragraphs = commit.body
    .split(/\n\s*\n/)
    .filter((paragraph) => !/^[A-Z][\w-]+: .+@/m.test(paragraph));
  const [first = '', ...rest] = paragraphs;
  return {
    title: commit.subject,
    intent: oneLine(first),
    prose: rest.join('\n\n'),
    files: [],
    folded: false,
  };
}

/** Steps by what files are for, tests beside their sources; the smallest neighbours are joined over the limit. */
function groupByRole(files: readonly DiffFile[], commits: readonly Commit[]): Group[] {
  const buckets = new Map<string, { role: Role; place: string; files: DiffFile[] }>();
  const paths = new Set(files.map(pathOf));
  for (const file of files) {
    const path = pathOf(file);
    // A test explains the source it tests, so both are read together.
    const home = sourceOfTest(path, paths) ?? path;
    const role = roleOf(home);
    const place = role === 'core' || role === 'interface' ? folderOf(home) : '';
    const bucket = buckets.get(`${role} ${place}`) ?? { role, place, files: [] };
    bucket.files.push(file);
    buckets.set(`${role} ${place}`, bucket);
  }
  const ordered = [...buckets.values()].sort((a, b) => roles.indexOf(a.role) - roles.indexOf(b.role));
  const [commit] = commits;
  const hasOneStory = commits.length === 1 && ordered.length === 1 && commit !== undefined;
  if (hasOneStory && ordered[0] !== undefined) return [{ ...commitGroup(commit), files: ordered[0].files }];
  return joinSmallest(ordered.map(roleGroup));
}

function roleGroup(bucket: { role: Role; place: string; files: DiffFile[] }): Group {
  const names = bucket.files.map((file) => pathOf(file)).map((path) => path.slice(path.lastIndexOf('/') + 1));
  const where = bucket.place === '' ? '' : ` in ${bucket.place}`;
  const shown = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
  return {
    title: `${titles[bucket.role]}${where}`,
    intent: `${verbOf(bucket.files)} ${shown}.`,
    prose: '',
    files: bucket.files,
    folded: false,
  };
}

const titles: Record<Role, string> = {
  schema: 'The shape of the data',
  core: 'The code',
  interface: 'What people see',
  test: 'Tests',
  documentation: 'Documentation',
  setup: 'Settings and tools',
};

function verbOf(files: readonly DiffFile[]): string {
  if (files.every((file) => file.status === 'added')) return 'Adds';
  if (files.every((file) => file.status === 'deleted')) return 'Removes';
  if (files.every((file) => file.status === 'renamed' && file.hunks.length === 0)) return 'Renames';
  return 'Changes';
}

function joinSmallest(groups: Group[]): Group[] {
  const kept = [...groups];
  // One place is left for what is generated.
  while (kept.length > maxSteps - 1) {
    const sizes = kept
      .slice(0, -1)
      .map((group, index) => group.files.length + (kept[index + 1]?.files.length ?? 0));
    const at = sizes.indexOf(Math.min(...sizes));
    const [first, second] = kept.slice(at, at + 2);
    if (first === undefined || second === undefined) break;
    const joined = {
      ...first,
      title: `${first.title}, ${lowerFirst(second.title)}`.slice(0, 100),
      files: [...first.files, ...second.files],
    };
    kept.splice(at, 2, { ...joined, intent: `${first.intent} ${second.intent}`.slice(0, 300) });
  }
  return kept;
}

function generatedGroup(files: DiffFile[]): Group {
  return {
    title: 'Generated files',
    intent: 'Written by programs; they follow from the steps above.',
    prose: '',
    files,
    folded: true,
  };
}

const folderOf = (path: string): string => path.split('/').slice(0, -1).slice(0, 3).join('/');
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
const firstParagraph = (text: string): string => oneLine(text.split(/\n\s*\n/)[0] ?? '');
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
