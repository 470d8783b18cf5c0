// Which commit last changed each entry of a folder: one walk through the history that ends when every entry was met.
import type { GitPath } from './git-path.ts';
import { readItems } from './read-items.ts';
import type { Git } from './run.ts';

export interface LastChange {
  oid: string;
  authorName: string;
  /** UTC milliseconds. */
  authoredAt: number;
  subject: string;
}

export interface FolderAt {
  repo: string;
  /** Object id of the commit. */
  commit: string;
  /** Empty for the root. */
  folder: GitPath;
  names: readonly GitPath[];
  maxMs: number;
  signal?: AbortSignal | undefined;
}

const maxBytes = 256 * 1024 * 1024;
const maxSubjectLength = 300;
const head = /^\x01([0-9a-f]{40})\x02([^\x02]*)\x02(-?\d+)\x02(.*)$/s;

/** By name in the folder; `isWhole` is false when the time was up before every entry was met. */
export async function lastChanges(
  git: Git,
  at: FolderAt,
): Promise<{ changes: Map<GitPath, LastChange>; isWhole: boolean }> {
  const wanted = new Set<GitPath>(at.names);
  const changes = new Map<GitPath, LastChange>();
  if (wanted.size === 0) return { changes, isWhole: true };
  const prefix = at.folder === '' ? '' : `${at.folder}/`;
  let commit: LastChange | undefined;
  const end = await readItems(git, sourceOf(at), (item) => {
    const match = head.exec(item);
    if (match !== null) {
      commit = toChange(match);
      return true;
    }
    // The first name of a commit stands on a line of its own, below the commit.
    const path = item.startsWith('\n') ? item.slice(1) : item;
    if (commit === undefined || !path.startsWith(prefix)) return true;
    const slash = path.indexOf('/', prefix.length);
    const name = (slash < 0 ? path.slice(prefix.length) : path.slice(prefix.length, slash)) as GitPath;
    if (wanted.delete(name)) changes.set(name, commit);
    return wanted.size > 0;
  });
  return { changes, isWhole: end === 'whole' || wanted.size === 0 };
}

function sourceOf(at: FolderAt): Parameters<typeof readItems>[1] {
  const { repo, maxMs, signal, folder } = at;
  // Of a merge only what it made different from all of its parents counts, which is what somebody did in it.
  const args = ['--literal-pathspecs', 'log', '-z', '--name-only', '-c', '--no-renames', '--no-mailmap'];
  const format = '--format=%x01%H%x02%an%x02%at%x02%s';
  const path = folder === '' ? undefined : folder;
  return {
    repo,
    args: [...args, '--no-show-signature', '--no-color', format, at.commit, '--'],
    path,
    maxBytes,
    maxMs,
    signal,
  };
}

function toChange(match: RegExpExecArray): LastChange {
  const text = (bytes = '') => Buffer.from(bytes, 'latin1').toString('utf8');
  return {
    oid: match[1] ?? '',
    authorName: text(match[2]),
    authoredAt: Number(match[3]) * 1000,
    subject: text(match[4]).slice(0, maxSubjectLength),
  };
}
