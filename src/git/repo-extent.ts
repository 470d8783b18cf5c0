import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './run.ts';

/** How a bare repository lies on the disk. */
export interface RepoExtent {
  looseObjects: number;
  packedObjects: number;
  packs: number;
  /** Of all objects, packed or not. */
  bytes: number;
  looseRefs: number;
  hasBitmap: boolean;
  hasCommitGraph: boolean;
}

export async function measureRepo(git: Git, repo: string): Promise<RepoExtent> {
  const [text, looseRefs, packFiles, infoFiles] = await Promise.all([
    git.text(['count-objects', '-v'], { repo }),
    countFiles(join(repo, 'refs')),
    namesIn(join(repo, 'objects/pack')),
    namesIn(join(repo, 'objects/info')),
  ]);
  const counts = new Map(text.split('\n').map((line) => line.split(': ') as [string, string]));
  const count = (name: string): number => Number(counts.get(name) ?? 0);
  return {
    looseObjects: count('count'),
    packedObjects: count('in-pack'),
    packs: count('packs'),
    bytes: (count('size') + count('size-pack')) * 1024,
    looseRefs,
    hasBitmap: packFiles.some((name) => name.endsWith('.bitmap')),
    hasCommitGraph: infoFiles.some((name) => name === 'commit-graph' || name === 'commit-graphs'),
  };
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function countFiles(folder: string): Promise<number> {
  let count = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    count += entry.isDirectory() ? await countFiles(join(folder, entry.name)) : 1;
  }
  return count;
}
