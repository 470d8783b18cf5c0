// What a repository should have and does not: objects that are gone, and refs whose file says nothing.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Whether a ref that git does not list (a full name) still has a file: it is there, and cannot be read. */
export async function hasRefFile(repo: string, ref: string): Promise<boolean> {
  try {
    return (await lstat(join(repo, ref))).isFile();
  } catch {
    return false;
  }
}
