// Folders as git keeps them, read from their objects: exact for every name, where a path given to git would be
// interpreted first.
import { ForgeError } from '../lib/errors.ts';
import { namesOf, type GitPath } from './git-path.ts';
import { readHeads, readObject, type ObjectHead } from './object-reader.ts';
import type { Git } from './run.ts';

const maxTreeBytes = 32 * 1024 * 1024;

export const entryKinds = ['folder', 'file', 'symlink', 'submodule'] as const;
export type EntryKind = (typeof entryKinds)[number];

export interface TreeEntry {
  name: GitPath;
  kind: EntryKind;
  /** As git writes it: `100644`, `100755`, `040000`, `120000`, `160000`. */
  mode: string;
  oid: string;
}

/** The entries of a tree in git's order. Refuses (`unavailable`) one that a commit names and the repository has not. */
export async function readTree(git: Git, repo: string, oid: string): Promise<TreeEntry[]> {
  const object = await readObject(git, repo, { expression: oid, maxBytes: maxTreeBytes });
  if (object?.type !== 'tree') {
    throw new ForgeError(
      'unavailable',
      'A folder is missing from the repository or damaged. An admin finds which with pika-git doctor.',
    );
  }
  if (object.content === undefined) {
    throw new ForgeError(
      'too_large',
      `This folder has more entries than can be listed; clone it to see them.`,
    );
  }
  return parseTree(object.content);
}

/** What lies at a path below a tree; the tree itself for the root. Undefined when there is nothing. */
export async function findEntry(
  git: Git,
  repo: string,
  where: { tree: string; path: GitPath },
): Promise<Omit<TreeEntry, 'name'> | undefined> {
  let found: Omit<TreeEntry, 'name'> = { kind: 'folder', mode: '040000', oid: where.tree };
  for (const name of namesOf(where.path)) {
    if (found.kind !== 'folder') return undefined;
    const entries = await readTree(git, repo, found.oid);
    const entry = entries.find((each) => each.name === name);
    if (entry === undefined) return undefined;
    found = entry;
  }
  return found;
}

/** Sizes in bytes by object id, of those that are there. */
export async function readSizes(
  git: Git,
  repo: string,
  oids: readonly string[],
): Promise<Map<string, number>> {
  const heads = await readHeads(git, repo, oids);
  const present = heads.filter((head): head is ObjectHead => head !== undefined);
  return new Map(present.map(({ oid, size }) => [oid, size]));
}

/** Entries are `<mode> <name>\0<20 bytes>`; git writes the mode of a folder without its leading zero. */
export function parseTree(content: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let at = 0;
  while (at < content.length) {
    const space = content.indexOf(32, at);
    const end = content.indexOf(0, space);
    if (space < 0 || end < 0) break;
    const mode = content.toString('latin1', at, space).padStart(6, '0');
    entries.push({
      name: content.toString('latin1', space + 1, end) as GitPath,
      kind: kindOf(mode),
      mode,
      oid: content.toString('hex', end + 1, end + 21),
    });
    at = end + 21;
  }
  return entries;
}

function kindOf(mode: string): EntryKind {
  if (mode === '040000') return 'folder';
  if (mode === '120000') return 'symlink';
  return mode === '160000' ? 'submodule' : 'file';
}
