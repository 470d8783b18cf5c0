// Who wrote each line of a file, a part of the file at a time.
import type { Forge } from '../forge/open.ts';
import { readBlame, type Blame } from '../git/blame.ts';
import { readHeads, readObject } from '../git/object-reader.ts';
import { findEntry } from '../git/tree.ts';
import { readBlob, treeOf } from '../git/objects.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';
import type { Place } from './place.ts';

export type BlamePart =
  | { kind: 'lines'; part: BlamedLines }
  /** Why there is nothing to blame: a sentence. */
  | { kind: 'none'; reason: string };

export interface BlamedLines {
  blame: Blame;
  /** Object id of the file. */
  oid: string;
  /** The whole file, with invalid UTF-8 replaced. */
  text: string;
  /** All lines of the file, without their newlines. */
  lines: string[];
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

/** The lines of the file at a place, and what `git blame` says of them. Refuses (`not_found`) when nothing is there. */
export async function blameFile(forge: Forge, place: Place, query: BlameQuery): Promise<BlamePart> {
  const file = await fileAt(forge, place);
  if ('reason' in file) return { kind: 'none', reason: file.reason };
  const text = file.content.toString('utf8');
  const lines = text.replace(/\n$/, '').split('\n');
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
  const part = { blame, oid: file.oid, text, lines, from: query.from, to, ignored: ignored.length };
  return { kind: 'lines', part };
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
