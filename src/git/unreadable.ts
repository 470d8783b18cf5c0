// What a repository should have and does not: objects that are gone, and refs whose file says nothing.
import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Git } from './run.ts';

/** Those of the object ids that the repository does not have; one git for all of them. */
export async function listMissing(git: Git, repo: string, oids: Iterable<string>): Promise<Set<string>> {
  const input = [...new Set(oids)].join('\n');
  if (input === '') return new Set();
  const text = await git.text(['cat-file', '--batch-check=%(objectname)', '--buffer'], {
    repo,
    input: `${input}\n`,
  });
  const missing = text.split('\n').filter((line) => line.endsWith(' missing'));
  return new Set(missing.map((line) => line.slice(0, line.indexOf(' '))));
}

/**
 * Refs below a folder (without its name) whose file says nothing that git understands, with what it says. Git leaves
 * them out of its lists and then fails over them when it serves any other.
 */
export async function listUnreadableRefs(
  folder: string,
  listed: { has(name: string): boolean },
): Promise<Map<string, string>> {
  const unreadable = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    const name = relative(folder, file);
    // Git does not look at dot files either, nor at locks.
    if (!entry.isFile() || /(?:^|\/)\.|\.lock$/.test(name) || listed.has(name)) continue;
    const text = await readFile(file, 'utf8').catch(() => undefined);
    // One that was pushed since the list was made is fine, and one that is gone again too.
    const isFine = text === undefined || text.startsWith('ref:') || isObjectId(text.trimEnd());
    if (!isFine) unreadable.set(name, text.slice(0, 200));
  }
  return unreadable;
}

const isObjectId = (text: string): boolean => /^(?!0+$)[0-9a-f]{40}$/.test(text);
