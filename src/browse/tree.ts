// One folder at one commit: its entries, folders first, with what a reader wants to know of each.
import type { Forge } from '../forge/open.ts';
import { showPath, type GitPath } from '../git/git-path.ts';
import { readBlob, treeOf } from '../git/objects.ts';
import { findEntry, readSizes, readTree, type EntryKind, type TreeEntry } from '../git/tree.ts';
import { ForgeError } from '../lib/errors.ts';
import { fullName } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import type { Place } from './place.ts';

export interface FolderEntry {
  name: GitPath;
  kind: EntryKind;
  mode: string;
  oid: string;
  /** In bytes; of files alone. */
  size: number | undefined;
  /** Where a symbolic link leads, as its text says. */
  target: string | undefined;
}

const maxTargetBytes = 4096;

/** What lies at the path of a place. Refuses (`not_found`) when there is nothing. */
export async function entryAt(forge: Forge, place: Place): Promise<Omit<TreeEntry, 'name'>> {
  const folder = repoPath(forge, place.repo.id);
  const tree = await treeOf(forge.git, folder, place.commit);
  const entry = await findEntry(forge.git, folder, { tree, path: place.path });
  if (entry !== undefined) return entry;
  throw new ForgeError(
    'not_found',
    `There is nothing called ${showPath(place.path)} in ${fullName(place.repo)} at ${place.ref.shown}.`,
  );
}

export interface FolderPart {
  entries: FolderEntry[];
  /** Where in the folder the first of them stands. */
  from: number;
  /** Of the whole folder. */
  total: number;
  /** The file that readers look for first, Markdown before plain text. */
  readme: TreeEntry | undefined;
}

const readmeNames = [/^readme\.(?:md|markdown)$/i, /^readme(?:\.txt|\.rst|\.adoc|\.org)?$/i];

/** Entries of the tree `oid`: folders first, each kind in git's order; at most `limits.maxFolderEntries` at once. */
export async function listFolder(
  forge: Forge,
  place: Place,
  wanted: { oid: string; from: number },
): Promise<FolderPart> {
  const { git } = forge;
  const repo = repoPath(forge, place.repo.id);
  const all = await readTree(git, repo, wanted.oid);
  all.sort((a, b) => Number(a.kind !== 'folder') - Number(b.kind !== 'folder'));
  const shown = all.slice(wanted.from, wanted.from + forge.config.limits.maxFolderEntries);
  const files = shown.filter(({ kind }) => kind === 'file').map((entry) => entry.oid);
  const sizes = await readSizes(git, repo, files);
  const targets = await readTargets(forge, repo, shown);
  return {
    entries: shown.map((entry) => ({
      ...entry,
      size: sizes.get(entry.oid),
      target: targets.get(entry.oid),
    })),
    from: wanted.from,
    total: all.length,
    readme: findReadme(all),
  };
}

function findReadme(entries: readonly TreeEntry[]): TreeEntry | undefined {
  for (const name of readmeNames) {
    const found = entries.find((entry) => entry.kind === 'file' && name.test(entry.name));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readTargets(
  forge: Forge,
  repo: string,
  entries: readonly TreeEntry[],
): Promise<Map<string, string>> {
  const links = entries.filter(({ kind }) => kind === 'symlink');
  const targets = new Map<string, string>();
  for (const { oid } of links) {
    const text = await readBlob(forge.git, repo, oid, maxTargetBytes);
    if (text !== undefined) targets.set(oid, text.toString('utf8'));
  }
  return targets;
}
