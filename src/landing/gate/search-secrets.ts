// Searches the contents that commits bring for secrets; what stood there before they came is nothing they bring.
import { setImmediate as turn } from 'node:timers/promises';
import type { LandedBlob } from '../../git/landed-blobs.ts';
import { readHeads, readObject } from '../../git/object-reader.ts';
import type { Git } from '../../git/run.ts';
import { ForgeError } from '../../lib/errors.ts';
import { compileGlob } from '../../lib/glob.ts';
import { findSecrets, type FoundSecret } from './secret-shapes.ts';

export interface SecretPlace {
  path: string;
  line: number;
  what: string;
}

const maxSearchedBytes = 64 * 1024 * 1024;
const maxPlaces = 10;
// A search of so much takes a few milliseconds, in which nothing else is answered.
const sliceBytes = 1024 * 1024;
const overlapBytes = 1024;

/** The first places of what looks like a secret. Refuses (`too_large`) more than 64 MiB, and texts that cannot be searched. */
export async function searchBlobs(
  git: Git,
  repo: string,
  { blobs, allowPaths }: { blobs: readonly LandedBlob[]; allowPaths: readonly string[] },
): Promise<SecretPlace[]> {
  const allowed = allowPaths.map(compileGlob);
  const pathOf = new Map<string, string>();
  for (const { oid, path } of blobs) {
    if (oid !== undefined && !pathOf.has(oid) && !allowed.some((matches) => matches(path)))
      pathOf.set(oid, path);
  }
  const found = await search(git, repo, [...pathOf.keys()]);
  if (found.length === 0) return [];
  // What a commit of the range left at a path and a later one found there is not from before; a file that moves is.
  const brought = new Set(blobs.map(({ path, oid }) => `${oid ?? ''} ${path}`));
  const before = new Set(
    blobs.flatMap(({ path, oldOids }) => oldOids.filter((oid) => !brought.has(`${oid} ${path}`))),
  );
  const old = new Set((await search(git, repo, [...before])).map(({ digest }) => digest));
  return found
    .filter(({ digest }) => !old.has(digest))
    .slice(0, maxPlaces)
    .map(({ oid, line, what }) => ({ path: pathOf.get(oid) ?? '', line, what }));
}

async function search(
  git: Git,
  repo: string,
  oids: readonly string[],
): Promise<(FoundSecret & { oid: string })[]> {
  const heads = await readHeads(git, repo, oids);
  const bytes = heads.reduce((sum, head) => sum + (head?.size ?? 0), 0);
  if (bytes > maxSearchedBytes) throw tooMuch(`${bytes} bytes`);
  const found: (FoundSecret & { oid: string })[] = [];
  for (const oid of oids) {
    const object = await readObject(git, repo, { expression: oid, maxBytes: maxSearchedBytes });
    const text = object?.content ?? Buffer.alloc(0);
    let line = 0;
    for (let from = 0; from < text.length; from += sliceBytes) {
      const slice = findSecrets(text.subarray(from, from + sliceBytes + overlapBytes));
      if (!slice.isWhole) throw tooMuch('a text');
      for (const secret of slice.found) found.push({ ...secret, oid, line: secret.line + line });
      if (text.length > sliceBytes) {
        line += countLines(text.subarray(from, from + sliceBytes));
        await turn();
      }
    }
  }
  return found;
}

function countLines(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) lines += 1;
  return lines;
}

const tooMuch = (what: string): ForgeError =>
  new ForgeError('too_large', `There is too much to search for secrets: ${what}.`);
