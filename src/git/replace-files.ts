// A tree with other contents in some of its files, made without an index or a worktree: every folder on the way is written
// anew, and whatever else lies in it stays as it is, down to its mode.
import { namesOf, type GitPath } from './git-path.ts';
import type { Git } from './run.ts';
import { readTree } from './tree.ts';

/** Writes the contents and the folders and answers the new tree. Every path must be that of a file in the tree. */
export async function replaceFiles(
  git: Git,
  repo: string,
  change: { tree: string; contents: ReadonlyMap<GitPath, Buffer> },
): Promise<string> {
  const files: Replacement[] = [];
  for (const [path, input] of change.contents) {
    const oid = (await git.text(['hash-object', '-w', '--stdin'], { repo, input })).trim();
    files.push({ names: namesOf(path), oid });
  }
  return replaceIn(git, repo, { tree: change.tree, files });
}

interface Replacement {
  /** What is left of the path below the folder. */
  names: readonly GitPath[];
  oid: string;
}

async function replaceIn(
  git: Git,
  repo: string,
  { tree, files }: { tree: string; files: readonly Replacement[] },
): Promise<string> {
  const byName = Map.groupBy(files, ({ names }) => names[0]);
  const lines: string[] = [];
  for (const entry of await readTree(git, repo, tree)) {
    const below = byName.get(entry.name);
    byName.delete(entry.name);
    const oid = below === undefined ? entry.oid : await replaced(git, repo, { entry, below });
    lines.push(`${entry.mode} ${types[entry.kind]} ${oid}\t${entry.name}\0`);
  }
  const [missing] = byName.keys();
  if (missing !== undefined) throw new TypeError(`the tree ${tree} has nothing called ${missing}`);
  const input = Buffer.from(lines.join(''), 'latin1');
  return (await git.text(['mktree', '-z', '--missing'], { repo, input })).trim();
}

const types = { folder: 'tree', file: 'blob', symlink: 'blob', submodule: 'commit' } as const;

async function replaced(
  git: Git,
  repo: string,
  { entry, below }: { entry: { kind: string; oid: string }; below: readonly Replacement[] },
): Promise<string> {
  const [first] = below;
  if (entry.kind === 'file' && first?.names.length === 1) return first.oid;
  if (entry.kind !== 'folder') throw new TypeError('what is replaced is no file');
  const files = below.map(({ names, oid }) => ({ names: names.slice(1), oid }));
  return replaceIn(git, repo, { tree: entry.oid, files });
}
