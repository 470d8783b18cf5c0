// One commit: what it says, what it changed beside each of its parents, and which branches and tags contain it.
import type { Forge } from '../forge/open.ts';
import { readCommit, type Commit } from '../git/commit.ts';
import type { Diff } from '../git/diff.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { diffBetween, type DiffEnds } from '../repos/diff-between.ts';
import { repoPath } from '../repos/path.ts';
import { inTurn } from './costly-read.ts';

/** The commit with this whole object id; refuses (`not_found`) what is none. */
export async function commitOf(forge: Forge, repo: Repo, oid: string): Promise<Commit> {
  const isWhole = /^[0-9a-f]{40}$/.test(oid);
  const commit = isWhole ? await readCommit(forge.git, repoPath(forge, repo.id), oid) : undefined;
  if (commit !== undefined) return commit;
  throw new ForgeError(
    'not_found',
    `There is no commit ${oid.slice(0, 40)} in ${fullName(repo)}, or it says more than a page can hold.`,
  );
}

const maxBegun = 20;
const maxBegunBytes = 65_536;

/** The whole object ids of the commits that begin with some hexadecimal digits, at most a few. */
export async function commitsBeginning(forge: Forge, repo: Repo, digits: string): Promise<string[]> {
  const folder = repoPath(forge, repo.id);
  // Only objects are asked for: a branch that is called like the digits is not what they mean here.
  const text = await forge.git.text(['rev-parse', `--disambiguate=${digits}`], {
    repo: folder,
    maxBytes: maxBegunBytes,
  });
  const found: string[] = [];
  for (const oid of text.split('\n').slice(0, maxBegun)) {
    if (/^[0-9a-f]{40}$/.test(oid) && (await readCommit(forge.git, folder, oid)) !== undefined)
      found.push(oid);
  }
  return found;
}

/** What a page of a difference begins with: colouring more files than a window shows would hold up the first. */
export const first = { files: 8, patienceMs: 15 };

/** The difference between two commits, read when there is a turn for it. */
export const diffInTurn = (forge: Forge, ends: DiffEnds): Promise<Diff> =>
  diffBetween(forge, ends, (read) => inTurn(forge, ends.repoId, read));

export interface Containing {
  branches: string[];
  tags: string[];
  /** There are more than these. */
  hasMore: boolean;
}

const maxNames = 100;

/** Branches and tags from which a commit can be reached; undefined when that takes too long to find out. */
export async function refsContaining(forge: Forge, repo: Repo, oid: string): Promise<Containing | undefined> {
  const args = ['for-each-ref', `--contains=${oid}`, `--count=${maxNames + 1}`, '--format=%(refname)'];
  const timeoutMs = forge.config.limits.readSeconds * 1000;
  try {
    // What contains a commit changes with every push, so nothing is kept.
    const text = await inTurn(forge, repo.id, () =>
      forge.git.text([...args, 'refs/heads/', 'refs/tags/'], { repo: repoPath(forge, repo.id), timeoutMs }),
    );
    const names = text.split('\n').filter((name) => name !== '');
    const under = (prefix: string): string[] =>
      names
        .slice(0, maxNames)
        .filter((name) => name.startsWith(prefix))
        .map((name) => name.slice(prefix.length));
    return {
      branches: under('refs/heads/'),
      tags: under('refs/tags/'),
      hasMore: names.length > maxNames,
    };
  } catch (error) {
    if (error instanceof ForgeError && error.code === 'limited') return undefined;
    throw error;
  }
}
