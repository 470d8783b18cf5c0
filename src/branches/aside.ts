// Takes broken branches out of git's way, and puts them back when what they need is there again.
import type { Forge } from '../forge/open.ts';
import { forgetAside, listAside, setAside, type AsideRef } from '../git/set-aside.ts';
import { listRefs, updateRefs, zeroOid } from '../git/refs.ts';
import { listMissing } from '../git/unreadable.ts';
import type { Protection } from '../repos/protected.ts';
import type { Comparison } from './comparison.ts';

/**
 * Puts branches back whose commit is there again, and forgets those that were pushed anew or closed. Answers what
 * was put back, to be looked at like any other branch, and what stays aside.
 */
export async function putBack(
  forge: Forge,
  place: { path: string; heads: ReadonlyMap<string, string>; isOpen: (name: string) => boolean },
): Promise<{ back: AsideRef[]; aside: Set<string> }> {
  const { path, heads, isOpen } = place;
  const refs = await listAside(path);
  const oids = refs.map(({ content }) => content).filter((content) => /^[0-9a-f]{40}$/.test(content));
  const missing = await listMissing(forge.git, path, oids);
  const back: AsideRef[] = [];
  const aside = new Set<string>();
  for (const ref of refs) {
    const isWanted = isOpen(ref.name) && !heads.has(ref.name);
    if (isWanted && (!oids.includes(ref.content) || missing.has(ref.content))) {
      aside.add(ref.name);
      continue;
    }
    if (isWanted && !(await writeBack(forge, path, ref))) {
      aside.add(ref.name);
      continue;
    }
    if (isWanted) back.push(ref);
    await forgetAside(path, ref.name);
  }
  return { back, aside };
}

/** False when there is no room for it: its name may be a folder of other branches by now. */
async function writeBack(forge: Forge, path: string, { name, content }: AsideRef): Promise<boolean> {
  try {
    await updateRefs(forge.git, path, [{ ref: `refs/heads/${name}`, newOid: content, oldOid: zeroOid }]);
    return true;
  } catch (error) {
    forge.log.warn({ err: error, branch: name }, 'a branch that was set aside cannot be put back');
    return false;
  }
}

/** Sets aside the branches whose commit is missing, and takes away the pins that point at nothing. */
export async function isolateBroken(
  forge: Forge,
  { repo, path, heads, missing, unreadable }: Comparison,
  protection: (branch: string) => Protection | undefined,
): Promise<void> {
  if (missing.size === 0) return;
  for (const [name, oid] of heads) {
    // Without its default branch a repository is another one; that is for a person to mend.
    if (!missing.has(oid) || protection(name) !== undefined) continue;
    try {
      await setAside(forge.git, path, { name, content: unreadable.get(name) ?? oid });
      forge.log.warn({ repoId: repo.id, branch: name }, 'a broken branch was set aside');
    } catch (error) {
      forge.log.error({ err: error, repoId: repo.id, branch: name }, 'a broken branch is in the way');
    }
  }
  const pins = await listRefs(forge.git, path, ['refs/pika/heads/']);
  const dead = [...pins].filter(([, oid]) => missing.has(oid));
  await updateRefs(
    forge.git,
    path,
    dead.map(([ref, oldOid]) => ({ ref, newOid: zeroOid, oldOid })),
  );
}
