// The files of a lane's checkout that match patterns. Whoever pushes decides what lies there: no symbolic link is
// followed, not even as a part of the way, and only regular files are found.
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compileGlob } from '../../lib/glob.ts';

export interface FoundFile {
  /** From the checkout, with slashes. */
  path: string;
  bytes: number;
}

const maxVisited = 2_000_000;

/**
 * Every file that matches one of the patterns, or lies in a folder that does, sorted by path. The `.git` of the checkout
 * is not looked into.
 */
export async function findFiles(work: string, patterns: readonly string[]): Promise<FoundFile[]> {
  const wanted = patterns.map(readPattern);
  const found = new Map<string, FoundFile>();
  const visit = { left: maxVisited };
  for (const { root, matches } of wanted) {
    if (!(await isPlainWay(work, root))) continue;
    for await (const path of walk(work, root, visit)) {
      if (found.has(path) || !matches(path)) continue;
      const file = await lstat(join(work, path)).catch(() => undefined);
      if (file?.isFile() === true) found.set(path, { path, bytes: file.size });
    }
  }
  return [...found.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** Whether nothing on the way from `base` to `path` is a symbolic link, as far as it exists. */
export async function isPlainWay(base: string, path: string): Promise<boolean> {
  let at = base;
  for (const part of path.split('/').filter((name) => name !== '' && name !== '.')) {
    if (part === '..') return false;
    at = join(at, part);
    const there = await lstat(at).catch(() => undefined);
    if (there === undefined) return true;
    if (there.isSymbolicLink()) return false;
  }
  return true;
}

interface Wanted {
  /** The part of the pattern before its first wildcard: nothing else needs to be looked at. */
  root: string;
  matches: (path: string) => boolean;
}

function readPattern(pattern: string): Wanted {
  const plain = pattern.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
  const parts = plain.split('/');
  const literal = parts.findIndex((part) => /[*?[\]{}\\]/.test(part));
  const root = (literal < 0 ? parts : parts.slice(0, literal)).join('/');
  const isFile = compileGlob(plain);
  const isBelow = compileGlob(`${plain}/**`);
  return { root, matches: (path) => isFile(path) || isBelow(path) };
}

async function* walk(work: string, root: string, visit: { left: number }): AsyncGenerator<string> {
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (folder === '.git') continue;
    const entries = await listFolder(join(work, folder));
    // A pattern without wildcards may name a file.
    if (entries === undefined) {
      yield folder;
      continue;
    }
    for (const entry of entries) {
      visit.left -= 1;
      if (visit.left < 0) return;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) yield path;
    }
  }
}

/** Undefined for what is no folder, or cannot be read. */
async function listFolder(path: string): Promise<Dirent[] | undefined> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch {
    return undefined;
  }
}
