// Branches and tags of a repository, some of them at a time. Names come from git in one question; what their commits
// say is read for those that are shown alone.
import type { Forge } from '../forge/open.ts';
import { readHeads } from '../git/object-reader.ts';
import { commitSummary, type CommitSummary } from '../git/objects.ts';
import { listRefs } from '../git/refs.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';

export type RefKind = 'branches' | 'tags';

export interface ListedRef {
  name: string;
  /** What the ref stands at: a commit, or the tag object of an annotated tag. */
  oid: string;
  /** The commit it leads to; undefined when it leads to none, or to one that is missing. */
  commit: CommitSummary | undefined;
}

export interface RefPage {
  refs: ListedRef[];
  /** Of this kind whose names have the filter's text in them. */
  matching: number;
  total: number;
  /** How many come before these. */
  offset: number;
}

const prefixes: Record<RefKind, string> = { branches: 'refs/heads/', tags: 'refs/tags/' };

/** The default branch first and then by name; tags by their numbers, the highest first. */
export async function listRefPage(
  forge: Forge,
  repo: Repo,
  wanted: { kind: RefKind; filter: string; offset: number; limit: number },
): Promise<RefPage> {
  const folder = repoPath(forge, repo.id);
  const prefix = prefixes[wanted.kind];
  const found = await listRefs(forge.git, folder, [prefix]);
  const all = [...found].map(([ref, oid]) => ({ name: ref.slice(prefix.length), oid }));
  const text = wanted.filter.toLowerCase();
  const matching = text === '' ? all : all.filter(({ name }) => name.toLowerCase().includes(text));
  const sorted =
    wanted.kind === 'tags'
      ? matching.sort((a, b) => byNumbers.compare(b.name, a.name))
      : defaultFirst(matching, repo.defaultBranch);
  const shown = sorted.slice(wanted.offset, wanted.offset + wanted.limit);
  return {
    refs: await withCommits(forge, folder, shown),
    matching: matching.length,
    total: all.length,
    offset: wanted.offset,
  };
}

/** `v1.10` is behind `v1.9`. */
const byNumbers = new Intl.Collator('en', { numeric: true });

function defaultFirst<Named extends { name: string }>(refs: Named[], name: string): Named[] {
  const first = refs.filter((ref) => ref.name === name);
  return [...first, ...refs.filter((ref) => ref.name !== name)];
}

async function withCommits(
  forge: Forge,
  folder: string,
  refs: readonly { name: string; oid: string }[],
): Promise<ListedRef[]> {
  const heads = await readHeads(
    forge.git,
    folder,
    refs.map(({ oid }) => `${oid}^{commit}`),
  );
  return Promise.all(
    refs.map(async (ref, index) => {
      const oid = heads[index]?.oid;
      return { ...ref, commit: oid === undefined ? undefined : await commitSummary(forge.git, folder, oid) };
    }),
  );
}
