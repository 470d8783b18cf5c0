// Which commits lead to a commit, page by page, of everything or of one path, bounded in time.
import { ForgeError } from '../lib/errors.ts';
import { gitPath, type GitPath } from './git-path.ts';
import { commitSummary } from './objects.ts';
import { readUpTo } from './read-up-to.ts';
import type { Git } from './run.ts';

export interface LogEntry {
  oid: string;
  parents: string[];
  authorName: string;
  authorEmail: string;
  /** UTC milliseconds. */
  authoredAt: number;
  committedAt: number;
  subject: string;
}

export interface LogRange {
  /** The bare repository's folder. */
  repo: string;
  /** Object id of the newest commit. */
  head: string;
  /** Object id of a commit; what it contains is left out. */
  base?: string | undefined;
  /** Only commits that change this file or folder; the root is everything. */
  path?: GitPath;
  skip: number;
  limit: number;
  maxMs: number;
}

export interface LogPage {
  commits: LogEntry[];
  /** There are further commits behind these. */
  hasMore: boolean;
  /** The time was up before git had found all of this page. */
  timedOut: boolean;
}

const maxBytes = 1024 * 1024;
const maxSubjectLength = 500;
const fields = ['%H', '%P', '%an', '%ae', '%at', '%ct', '%s'];
// The mail map, which may be large, is not used here: it is that of the default branch today, and would make
// yesterday's page untrue.
const logOptions = ['-z', '--no-mailmap', '--no-show-signature', '--no-decorate', '--no-color'];

/** Newest first, in the order of their committing; `skip` counts from `head`, so a page stays what it was. */
export async function readLog(git: Git, range: LogRange): Promise<LogPage> {
  const rows = await readRows(git, range, fields);
  // One commit may say more than a whole page holds; the ids alone always fit, and each is then read by itself.
  const commits = rows.isFull
    ? await readOneByOne(git, range.repo, (await readRows(git, range, ['%H'])).rows)
    : rows.rows.map(toEntry);
  return {
    commits: commits.slice(0, range.limit),
    hasMore: commits.length > range.limit,
    timedOut: rows.timedOut,
  };
}

interface Rows {
  rows: string[][];
  /** Git had more to say than fits. */
  isFull: boolean;
  timedOut: boolean;
}

async function readRows(git: Git, range: LogRange, wanted: readonly string[]): Promise<Rows> {
  const { path } = range;
  const args = [
    '--literal-pathspecs',
    'log',
    ...logOptions,
    `--format=${wanted.join('%x00')}`,
    `--max-count=${range.limit + 1}`,
    `--skip=${range.skip}`,
    range.head,
    ...(range.base === undefined ? [] : [`^${range.base}`]),
    '--',
  ];
  const { bytes, isWhole } = await readUpTo(git, args, {
    repo: range.repo,
    path: path === '' ? undefined : path,
    maxBytes,
    maxMs: range.maxMs,
  });
  const values = bytes.toString('utf8').split('\0');
  // The last one is empty, or was cut off.
  values.pop();
  const rows: string[][] = [];
  for (let at = 0; at + wanted.length <= values.length; at += wanted.length) {
    rows.push(values.slice(at, at + wanted.length));
  }
  const isFull = !isWhole && bytes.length >= maxBytes;
  return { rows, isFull, timedOut: !isWhole && !isFull };
}

function toEntry(row: readonly string[]): LogEntry {
  const [
    oid = '',
    parents = '',
    authorName = '',
    authorEmail = '',
    authored = '0',
    committed = '0',
    subject = '',
  ] = row;
  return {
    oid,
    parents: parents.split(' ').filter((parent) => parent !== ''),
    authorName,
    authorEmail,
    authoredAt: Number(authored) * 1000,
    committedAt: Number(committed) * 1000,
    subject: subject.slice(0, maxSubjectLength),
  };
}

async function readOneByOne(git: Git, repo: string, rows: readonly string[][]): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (const [oid = ''] of rows) entries.push(await readEntry(git, repo, oid));
  return entries;
}

async function readEntry(git: Git, repo: string, oid: string): Promise<LogEntry> {
  try {
    const { tree: _tree, body: _body, subject, ...rest } = await commitSummary(git, repo, oid);
    return { ...rest, committedAt: rest.authoredAt, subject: subject.slice(0, maxSubjectLength) };
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    const subject = 'The message of this commit is too large to read.';
    return { oid, parents: [], authorName: '', authorEmail: '', authoredAt: 0, committedAt: 0, subject };
  }
}

/** Where the file that a commit brought came from, if the commit renamed it: its first parent, and the name there. */
export async function findRename(
  git: Git,
  place: { repo: string; commit: string; path: GitPath; maxMs: number },
): Promise<{ commit: string; path: GitPath } | undefined> {
  const args = ['log', ...logOptions, '--follow', '--max-count=1', '--name-status', '--format=%H %P'];
  const { bytes, isWhole } = await readUpTo(git, ['--literal-pathspecs', ...args, place.commit, '--'], {
    repo: place.repo,
    path: place.path,
    maxBytes,
    maxMs: place.maxMs,
  });
  if (!isWhole) return undefined;
  // `<commit> <parents>`, a newline, then `R100`, the old and the new name, each ended by a NUL.
  const match = /^([0-9a-f]{40}) ([0-9a-f]{40})[^\0]*\0\n?[RC]\d+\0([^\0]+)\0/.exec(bytes.toString('latin1'));
  if (match === null || match[1] !== place.commit) return undefined;
  return { commit: match[2] ?? '', path: gitPath(Buffer.from(match[3] ?? '', 'latin1')) };
}
