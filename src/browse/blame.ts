// Who wrote each line of a file, a part of the file at a time.
import type { Forge } from '../forge/open.ts';
import { readBlame, type Blame, type BlameSpan } from '../git/blame.ts';
import { readHeads, readObject } from '../git/object-reader.ts';
import { findEntry } from '../git/tree.ts';
import { readBlob, treeOf } from '../git/objects.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';
import type { Place } from './place.ts';

/** The file at a place by its lines, or a sentence that says why it has none to tell about. */
export type FileLines =
  | { kind: 'lines'; oid: string; text: string; lines: string[] }
  | { kind: 'none'; reason: string };

export interface BlamedLines {
  blame: Blame;
  from: number;
  to: number;
  /** How many commits are passed over, as the repository asks for. */
  ignored: number;
}

export interface BlameQuery {
  /** First line, counted from 1. */
  from: number;
  /** Whether `.git-blame-ignore-revs` counts. */
  withIgnored: boolean;
}

const linesAtOnce = 2000;
const ignoreFile = '.git-blame-ignore-revs';
const maxIgnoreBytes = 64 * 1024;
const maxIgnored = 500;
// As git does: a NUL near the start tells binary content.
const sniffBytes = 8000;

/** What `git blame` says of a part of a file. Refuses (`not_found`) a line behind its last. */
export async function blameLines(
  forge: Forge,
  place: Place,
  query: BlameQuery & { lines: readonly string[] },
): Promise<BlamedLines> {
  const { lines } = query;
  if (query.from > lines.length) {
    throw new ForgeError(
      'not_found',
      `The file has ${lines.length} lines, so there is no line ${query.from}.`,
    );
  }
  const to = Math.min(lines.length, query.from + linesAtOnce - 1);
  const ignored = query.withIgnored ? await ignoredCommits(forge, place) : [];
  const blame = await readOnce(forge, {
    repoId: place.repo.id,
    key: `blame ${place.commit} ${query.from} ${ignored.length > 0} ${place.path}`,
    read: () =>
      readBlame(forge.git, {
        repo: repoPath(forge, place.repo.id),
        commit: place.commit,
        path: place.path,
        from: query.from,
        to,
        ignored,
        maxMs: forge.config.limits.readSeconds * 1000,
      }),
    sizeOf: (read) => (read.timedOut ? undefined : 200 * read.spans.length + 1000 * read.commits.size),
  });
  return { blame, from: query.from, to, ignored: ignored.length };
}

/** Refuses (`not_found`) when nothing is there. */
export async function linesOf(forge: Forge, place: Place): Promise<FileLines> {
  const file = await fileAt(forge, place);
  if ('reason' in file) return { kind: 'none', reason: file.reason };
  const text = file.content.toString('utf8');
  return { kind: 'lines', oid: file.oid, text, lines: text.replace(/\n$/, '').split('\n') };
}

/** The text file of a place, or why it has no lines to tell about. */
async function fileAt(
  forge: Forge,
  place: Place,
): Promise<{ oid: string; content: Buffer } | { reason: string }> {
  const repo = repoPath(forge, place.repo.id);
  const tree = await treeOf(forge.git, repo, place.commit);
  const entry = await findEntry(forge.git, repo, { tree, path: place.path });
  if (entry === undefined) {
    throw new ForgeError(
      'not_found',
      `There is no such file at ${place.ref.shown}; see its history for older names.`,
    );
  }
  if (entry.kind === 'folder')
    return { reason: 'This is a folder: each of its files has a blame of its own.' };
  if (entry.kind === 'submodule') {
    return { reason: 'This is a submodule: its lines have their history in another repository.' };
  }
  const maxBytes = forge.config.limits.maxBlameBytes;
  const object = await readObject(forge.git, repo, { expression: entry.oid, maxBytes });
  if (object?.content === undefined) {
    return { reason: 'This file is too large to blame here; clone the repository and run git blame.' };
  }
  if (object.size === 0) return { reason: 'This file is empty.' };
  if (object.content.subarray(0, sniffBytes).includes(0)) {
    return { reason: 'This is a binary file: it has no lines.' };
  }
  return { oid: object.oid, content: object.content };
}

/** The spans of every line from first to last; those between that git did not tell of have no commit. */
export function withGaps(
  told: readonly BlameSpan[],
  { from, to }: { from: number; to: number },
): BlameSpan[] {
  const spans: BlameSpan[] = [];
  let next = from;
  const fill = (until: number) => {
    if (until > next) spans.push({ oid: '', line: next, originalLine: next, lines: until - next });
  };
  for (const span of told) {
    // What git tells is trusted only where it is about the lines that were asked for, once.
    if (span.line < next || span.line + span.lines - 1 > to) continue;
    fill(span.line);
    const last = spans.at(-1);
    if (last !== undefined && last.oid === span.oid && last.line + last.lines === span.line) {
      last.lines += span.lines;
    } else spans.push({ ...span });
    next = span.line + span.lines;
  }
  fill(to + 1);
  return spans;
}

/** The commits that the repository wants to be passed over; of its list, only what is a commit here counts. */
async function ignoredCommits(forge: Forge, place: Place): Promise<string[]> {
  const repo = repoPath(forge, place.repo.id);
  const listed = await readIgnoreFile(forge, repo, place.commit);
  const heads = await readHeads(forge.git, repo, listed);
  return listed.filter((oid, index) => heads[index]?.type === 'commit' && heads[index]?.oid === oid);
}

async function readIgnoreFile(forge: Forge, repo: string, commit: string): Promise<string[]> {
  try {
    const blob = await readBlob(forge.git, repo, `${commit}:${ignoreFile}`, maxIgnoreBytes);
    const words = (blob?.toString('latin1') ?? '').split('\n').map((line) => line.replace(/#.*/, '').trim());
    return [...new Set(words.filter((word) => /^[0-9a-f]{40}$/.test(word)))].slice(0, maxIgnored);
  } catch (error) {
    // A list that is too long to read is as good as none.
    if (error instanceof ForgeError && error.code === 'too_large') return [];
    throw error;
  }
}
