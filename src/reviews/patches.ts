// One pass: the marks of the patches by which an approval outlives a rebase. Until a mark is read its revision is
// taken for other work, so that the gate is shut for a moment too long rather than open.
import type { Forge } from '../forge/open.ts';
import { markPatch } from '../git/patch-mark.ts';
import { repoPath } from '../repos/path.ts';
import { insertPatch, listPatchesToRead, type PatchToRead } from './store.ts';

const atOnce = 50;

export async function readPatches(forge: Forge): Promise<void> {
  for (;;) {
    const wanted = listPatchesToRead(forge.db, atOnce);
    if (wanted.length === 0) return;
    for (const patch of wanted) await readOne(forge, patch);
    for (const [branchId, repoId] of new Map(wanted.map((patch) => [patch.branchId, patch.repoId]))) {
      forge.events.emit('review-changed', { repoId, branchId });
    }
  }
}

async function readOne(forge: Forge, wanted: PatchToRead): Promise<void> {
  const { branchId, revision, headOid } = wanted;
  insertPatch(forge.db, {
    branchId,
    revision,
    // What cannot be compared is the same as itself alone.
    patch: (await tryMark(forge, wanted)) ?? `head ${headOid}`,
  });
}

async function tryMark(forge: Forge, { repoId, headOid, baseOid }: PatchToRead): Promise<string | undefined> {
  const repo = repoPath(forge, repoId);
  const range = { repo, base: baseOid ?? undefined, head: headOid };
  try {
    return await markPatch(forge.git, { ...range, maxBytes: forge.config.limits.maxDiffBytes });
  } catch (error) {
    forge.log.warn(
      { err: error, head: headOid },
      'a patch could not be read; its verdicts are not carried over',
    );
    return undefined;
  }
}
