// The commits that led to a place, a page at a time. The history of a file ends where the file got its name; there it
// says what the file was called before, or, when asked to follow, goes on with that.
import type { Forge } from '../forge/open.ts';
import type { GitPath } from '../git/git-path.ts';
import { findRename, readLog, type LogEntry, type LogPage } from '../git/log.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';

/** Where a page begins: so many commits behind `commit` in the history of `path`. */
export interface HistoryStart {
  commit: string;
  path: GitPath;
  skip: number;
}

export interface HistoryQuery extends HistoryStart {
  repoId: number;
  limit: number;
  /** Whether the history of a file goes on under the name it had before. */
  follow: boolean;
}

export interface HistoryEntry extends LogEntry {
  /** What the file was called at that commit. */
  path: GitPath;
}

export interface History {
  commits: HistoryEntry[];
  /** Where the next page begins; undefined behind the last commit. */
  next: HistoryStart | undefined;
  /** The file came from here; only where its history ends on this page and is not followed. */
  renamedFrom: { commit: string; path: GitPath } | undefined;
  /** The time was up; older commits may be missing. */
  timedOut: boolean;
}

// A file that is renamed in every commit would otherwise take a git for each of them.
const maxRenames = 10;

export async function readHistory(forge: Forge, query: HistoryQuery): Promise<History> {
  const { repoId, commit, path, skip, limit, follow } = query;
  return readOnce(forge, {
    repoId,
    key: `history ${commit} ${skip} ${limit} ${follow} ${path}`,
    read: () => collect(forge, query),
    sizeOf: (history) => (history.timedOut ? undefined : 1000 * (1 + history.commits.length)),
  });
}

async function collect(forge: Forge, query: HistoryQuery): Promise<History> {
  const commits: HistoryEntry[] = [];
  let start: HistoryStart = { commit: query.commit, path: query.path, skip: query.skip };
  for (let renames = 0; ; renames += 1) {
    const limit = query.limit - commits.length;
    const part = await readPart(forge, { ...query, ...start, limit });
    commits.push(...part.commits.map((entry) => ({ ...entry, path: start.path })));
    const end = { commits, next: undefined, renamedFrom: undefined, timedOut: part.timedOut };
    if (part.hasMore) return { ...end, next: { ...start, skip: start.skip + part.commits.length } };
    // The next page walks from the last commit that was found, so that it gets further in the same time.
    const found = commits.at(-1);
    if (part.timedOut && found !== undefined) {
      return { ...end, next: { commit: found.oid, path: start.path, skip: 1 } };
    }
    if (part.timedOut) return end;
    const origin = await findOrigin(forge, query.repoId, { path: start.path, last: found });
    if (origin === undefined) return end;
    if (!query.follow) return { ...end, renamedFrom: origin };
    start = { ...origin, skip: 0 };
    if (commits.length >= query.limit || renames >= maxRenames) return { ...end, next: start };
  }
}

const readPart = (forge: Forge, query: HistoryQuery): Promise<LogPage> =>
  readLog(forge.git, {
    repo: repoPath(forge, query.repoId),
    head: query.commit,
    path: query.path,
    skip: query.skip,
    limit: query.limit,
    maxMs: forge.config.limits.readSeconds * 1000,
  });

/** What the file of the oldest commit was before; undefined for folders, and where it was new. */
async function findOrigin(
  forge: Forge,
  repoId: number,
  end: { path: GitPath; last: HistoryEntry | undefined },
): Promise<{ commit: string; path: GitPath } | undefined> {
  const { path, last } = end;
  // A commit without a parent has nothing from which anything could come.
  if (path === '' || last === undefined || last.parents.length === 0) return undefined;
  const repo = repoPath(forge, repoId);
  const maxMs = forge.config.limits.readSeconds * 1000;
  return findRename(forge.git, { repo, commit: last.oid, path, maxMs });
}
