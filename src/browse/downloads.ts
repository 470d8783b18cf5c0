// Answers that hold a git as long as their reader takes to read: so many at once, and of those not all for one reader.
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';

export type DownloadKind = 'file' | 'archive';

const active = new WeakMap<Forge, Map<string, number>>();

/** Takes a place and answers how to give it back; refuses (`unavailable`, `limited`) when there is none. */
export function takeDownload(forge: Forge, caller: Caller, kind: DownloadKind): () => void {
  const { maxArchives, maxDownloads } = forge.config.limits;
  const max = kind === 'archive' ? maxArchives : maxDownloads;
  const counts = active.get(forge) ?? new Map<string, number>();
  active.set(forge, counts);
  const reader = `${kind} ${caller.account?.id ?? caller.address}`;
  if ((counts.get(kind) ?? 0) >= max) {
    throw new ForgeError(
      'unavailable',
      `Too many ${kind}s are being downloaded at this moment; try again in a minute.`,
    );
  }
  if ((counts.get(reader) ?? 0) >= Math.max(1, Math.ceil(max / 2))) {
    throw new ForgeError(
      'limited',
      `You are downloading many ${kind}s already; try again when one has ended.`,
    );
  }
  add(counts, kind, 1);
  add(counts, reader, 1);
  return () => {
    add(counts, kind, -1);
    add(counts, reader, -1);
  };
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
