// Branches that git cannot read make it fail for all others: no push is taken, no clone is served. They are taken out of
// its way, and what they said is kept in a file of the bare repository, so that nothing is lost.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Git } from './run.ts';

const asideRef = z.object({
  /** Without refs/heads/. */
  name: z.string(),
  /** The object id it stood at, or what its file said instead. */
  content: z.string(),
});
export type AsideRef = z.infer<typeof asideRef>;

const folderOf = (repo: string): string => join(repo, 'pika-aside');
// A hash, because a name may be longer than a file's may be, and hold anything.
const fileOf = (repo: string, name: string): string =>
  join(folderOf(repo), createHash('sha256').update(name).digest('hex'));

/** Keeps what the branch said and deletes it. Doing it again after a crash in between does no harm. */
export async function setAside(git: Git, repo: string, ref: AsideRef): Promise<void> {
  const file = fileOf(repo, ref.name);
  await mkdir(folderOf(repo), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.tmp`, JSON.stringify(ref), { flush: true });
  await rename(`${file}.tmp`, file);
  const full = `refs/heads/${ref.name}`;
  // Git does not delete what it cannot read; a packed value below it would come back, so that goes as well.
  if (!/^[0-9a-f]{40}$/.test(ref.content)) await rm(join(repo, full), { force: true });
  await git.run(['update-ref', '--no-deref', '-d', full], { repo });
}

export async function listAside(repo: string): Promise<AsideRef[]> {
  const names = await readdir(folderOf(repo)).catch(() => []);
  const refs: AsideRef[] = [];
  for (const name of names.filter((file) => !file.endsWith('.tmp'))) {
    const ref = asideRef.safeParse(parseJson(await readFile(join(folderOf(repo), name), 'utf8')));
    // A file that somebody spoiled keeps its branch aside, and nothing else.
    if (ref.success) refs.push(ref.data);
  }
  return refs;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const forgetAside = (repo: string, name: string): Promise<void> =>
  rm(fileOf(repo, name), { force: true });
