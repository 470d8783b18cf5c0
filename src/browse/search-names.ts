// Finds files by their names. The names of a commit are read once and kept; a search is then a walk through memory.
import type { Forge } from '../forge/open.ts';
import { pathOfText, type GitPath } from '../git/git-path.ts';
import { readItems } from '../git/read-items.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';
import type { Place } from './place.ts';

interface NameList {
  names: string[];
  bytes: number;
  /** False when there are more than could be listed. */
  isWhole: boolean;
}

export interface FoundNames {
  paths: GitPath[];
  /** How many fit, shown or not. */
  matching: number;
  total: number;
  isWhole: boolean;
}

const maxListBytes = 64 * 1024 * 1024;
// What was kept before makes room for it, so a larger list is read again each time.
const maxKeptListBytes = 12 * 1024 * 1024;

/**
 * The paths below a place in which the letters of `text` follow each other; those first in which they stand together,
 * in the last name, at its start. An empty text finds everything.
 */
export async function searchNames(
  forge: Forge,
  place: Place,
  wanted: { text: string; limit: number },
): Promise<FoundNames> {
  const list = await namesOf(forge, place);
  const prefix = place.path === '' ? '' : `${place.path}/`;
  const names = prefix === '' ? list.names : list.names.filter((name) => name.startsWith(prefix));
  const needle = pathOfText(wanted.text.replaceAll(/\s+/g, '')).toLowerCase();
  const scored = needle === '' ? names.map((name) => ({ name, score: 0 })) : scoreAll(names, needle);
  const best =
    needle === '' ? scored : scored.sort((a, b) => b.score - a.score || a.name.length - b.name.length);
  return {
    paths: best.slice(0, wanted.limit).map(({ name }) => name as GitPath),
    matching: scored.length,
    total: names.length,
    isWhole: list.isWhole,
  };
}

function namesOf(forge: Forge, place: Place): Promise<NameList> {
  return readOnce(forge, {
    repoId: place.repo.id,
    key: `names ${place.commit}`,
    read: () => readNames(forge, place),
    sizeOf: ({ bytes, isWhole }) => (isWhole && bytes <= maxKeptListBytes ? 2 * bytes : undefined),
  });
}

async function readNames(forge: Forge, place: Place): Promise<NameList> {
  const { maxSearchNames, readSeconds } = forge.config.limits;
  const names: string[] = [];
  let bytes = 0;
  const source = {
    repo: repoPath(forge, place.repo.id),
    args: ['ls-tree', '-r', '-z', '--name-only', '--full-tree', place.commit],
    maxBytes: maxListBytes,
    maxMs: readSeconds * 1000,
  };
  const end = await readItems(forge.git, source, (name) => {
    names.push(name);
    bytes += name.length + 48;
    return names.length < maxSearchNames;
  });
  return { names, bytes, isWhole: end === 'whole' };
}

function scoreAll(names: readonly string[], needle: string): { name: string; score: number }[] {
  const found: { name: string; score: number }[] = [];
  for (const name of names) {
    const score = scoreOf(name.toLowerCase(), needle);
    if (score > 0) found.push({ name, score });
  }
  return found;
}

/** 0 when the letters are not there in their order. */
function scoreOf(path: string, needle: string): number {
  const last = path.lastIndexOf('/') + 1;
  const inName = path.indexOf(needle, last);
  if (inName === last) return path.length - last === needle.length ? 6 : 5;
  if (inName > last) return 4;
  const anywhere = path.indexOf(needle);
  if (anywhere >= 0) return anywhere === 0 || path[anywhere - 1] === '/' ? 3 : 2;
  let at = 0;
  for (const letter of needle) {
    at = path.indexOf(letter, at) + 1;
    if (at === 0) return 0;
  }
  return 1;
}
