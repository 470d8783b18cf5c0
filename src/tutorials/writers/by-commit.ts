// Steps as the commits tell them: a hunk belongs to the commit that wrote most of its lines.
import { pathOf } from '../../repos/file-view.ts';
import type { HunkKey } from '../model.ts';
import { countHunks, joinParts, type Group, type Part } from './group.ts';
import { paragraphsOf } from './paragraphs.ts';
import { sourceOfTest } from './roles.ts';
import type { Commit } from './writer.ts';

// Commits whose lines are unknown explain a branch when nearly every file belongs to one of them.
const minOwnedShare = 0.7;
// More of them say nothing than this, and what the files are for says more.
const maxIdleShare = 0.4;
const idle =
  /^(?:(?:wip|tmp|temp|misc|stuff|oops|typos?|cleanup|more|work)(?:\s+\S+){0,2}|fix(?:es|ed)?|updates?|changes?)$/i;
const repair = /^(?:fixup|squash|amend)! /;

/** A step for each commit, at most `maxGroups`; undefined when the commits do not explain the branch. */
export function groupByCommit(
  parts: readonly Part[],
  commits: readonly Commit[],
  maxGroups: number,
): Group[] | undefined {
  if (commits.length < 2 || commits.filter(isIdle).length > maxIdleShare * commits.length) return undefined;
  const isKnown = commits.some(({ lines }) => lines !== undefined);
  if (!isKnown && (commits.length > maxGroups || !isOwned(parts, commits))) return undefined;
  const groups = commits.map(commitGroup);
  for (const { file, keys } of parts) {
    for (const key of keys) {
      const group = groups[ownerOf({ file, key }, commits)];
      if (group !== undefined) group.parts = joinParts(group.parts, [{ file, keys: [key] }]);
    }
  }
  bringTestsHome(groups);
  const filled = groups.filter((group) => group.parts.length > 0);
  // One commit with nearly everything is no story; the others are its repairs.
  const most = Math.max(0, ...filled.map(countHunks));
  const all = filled.reduce((sum, group) => sum + countHunks(group), 0);
  if (filled.length < 2 || (isKnown && all > 12 && most > 0.8 * all)) return undefined;
  return joinRelated(filled, maxGroups);
}

/** A test that came with a commit of its own is read with the source it tests. */
function bringTestsHome(groups: readonly Group[]): void {
  const has = ({ parts }: Group, path: string) => parts.some(({ file }) => pathOf(file) === path);
  const paths = new Set(groups.flatMap(({ parts }) => parts.map(({ file }) => pathOf(file))));
  const sources = new Map([...paths].map((path) => [path, sourceOfTest(path, paths)]));
  for (const group of groups) {
    for (const part of group.parts) {
      const source = sources.get(pathOf(part.file));
      const home =
        source === undefined || has(group, source) ? undefined : groups.findLast((each) => has(each, source));
      if (home === undefined) continue;
      home.parts = joinParts(home.parts, [part]);
      group.parts = group.parts.filter((each) => each !== part);
    }
  }
}

const isIdle = ({ subject }: Commit): boolean => repair.test(subject) || idle.test(subject.trim());

function isOwned(parts: readonly Part[], commits: readonly Commit[]): boolean {
  const owned = parts.filter(
    ({ file }) => commits.filter(({ paths }) => paths.includes(pathOf(file))).length === 1,
  );
  return owned.length >= minOwnedShare * parts.length;
}

/** The place of the commit that wrote most lines of a hunk, else of the last that touches its file; -1 for none. */
function ownerOf({ file, key }: { file: Part['file']; key: HunkKey }, commits: readonly Commit[]): number {
  const lines = file.hunks[key.hunk]?.lines ?? [];
  const path = pathOf(file);
  let owner = commits.findLastIndex(({ paths }) => paths.includes(path));
  let most = 0;
  commits.forEach(({ lines: touched }, index) => {
    const [now, before] = [touched?.get(path), touched?.get(file.oldPath)];
    const votes = lines.filter(
      ({ kind, text }) =>
        (kind === 'added' && now?.added.has(text)) || (kind === 'removed' && before?.removed.has(text)),
    ).length;
    if (votes < most || votes === 0) return;
    most = votes;
    owner = index;
  });
  return owner;
}

export function commitGroup(commit: Commit): Group {
  const [first = '', ...rest] = paragraphsOf(commit.body);
  const intent = first.replaceAll(/\s+/g, ' ').trim();
  return { title: commit.subject, intent, prose: rest.join('\n\n'), parts: [], folded: false };
}

/** While there are too many, the smallest goes to the one that it shares most files with, or to a neighbour. */
function joinRelated(groups: readonly Group[], maxGroups: number): Group[] {
  const kept = [...groups];
  const also = new Map<Group, string[]>();
  while (kept.length > maxGroups) {
    const sizes = kept.map(countHunks);
    const at = sizes.indexOf(Math.min(...sizes));
    const small = kept[at];
    const into = small && nearest(kept, at);
    if (small === undefined || into === undefined) break;
    into.parts = joinParts(into.parts, small.parts);
    also.set(into, [...(also.get(into) ?? []), small.title, ...(also.get(small) ?? [])]);
    kept.splice(at, 1);
  }
  for (const [group, subjects] of also) {
    const list = subjects.map((subject) => `- ${subject}`).join('\n');
    group.prose = [group.prose, `With it:\n\n${list}`].filter(Boolean).join('\n\n');
  }
  return kept;
}

function nearest(groups: readonly Group[], at: number): Group | undefined {
  const files = new Set(groups[at]?.parts.map(({ file }) => file));
  const shared = groups.map((group, index) =>
    index === at ? -1 : group.parts.filter(({ file }) => files.has(file)).length,
  );
  const most = Math.max(...shared);
  return most > 0 ? groups[shared.indexOf(most)] : (groups[at - 1] ?? groups[at + 1]);
}
