import type { Forge } from '../forge/open.ts';
import { eachSmallBlob } from '../git/small-blobs.ts';
import { maxPointerBytes, parsePointer, type Pointer } from './model.ts';

export interface PointerSearch {
  /** The bare repository's folder. */
  path: string;
  /** Object ids: the pointers that these lead to, and the first of `known` do not. */
  wanted: readonly string[];
  known: readonly string[];
  signal?: AbortSignal | undefined;
}

/** Git looks at each before it begins. What more of them would have left out is asked for once too often at worst. */
const maxKnown = 1000;
const beginning = Buffer.from('version ');

/** What the files point to that some commits bring, each object once. It asks git, and nobody whether an object is anywhere. */
export async function findPointers(forge: Forge, search: PointerSearch): Promise<Pointer[]> {
  const { path, wanted, known, signal } = search;
  const found = new Map<string, Pointer>();
  if (wanted.length === 0) return [];
  await eachSmallBlob(
    forge.git,
    {
      repo: path,
      wanted,
      known: [...new Set(known)].slice(0, maxKnown),
      signal,
      belowBytes: maxPointerBytes,
      timeoutMs: forge.config.limits.gitSeconds * 1000,
    },
    (content) => {
      if (!content.subarray(0, beginning.length).equals(beginning)) return;
      const pointer = parsePointer(content.toString('latin1'));
      if (pointer !== undefined && !found.has(pointer.oid)) found.set(pointer.oid, pointer);
    },
  );
  return [...found.values()];
}
