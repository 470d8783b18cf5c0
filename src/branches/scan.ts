// Compares the refs of a repository with its rows and repairs the rows: what a lost hook, a crash or somebody
// with a shell changed. A handful of gits for all branches, and only what changed costs more.
import { join } from 'node:path';
import type { Forge } from '../forge/open.ts';
import { listHeads, zeroOid } from '../git/refs.ts';
import { listMissing, listUnreadableRefs } from '../git/unreadable.ts';
import type { Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { protectionOf } from '../repos/protected.ts';
import { isolateBroken, putBack } from './aside.ts';
import { markBroken, missingCommit } from './broken.ts';
import type { Comparison } from './comparison.ts';
import { settleLanded } from './landed.ts';
import { mendPins } from './mend-pins.ts';
import { readHeads } from './record-heads.ts';
import { settleBranch } from './settle.ts';
import { listOpenHeads, type OpenHead } from './store.ts';
import { noticeTarget, settleDefaultBranch } from './target.ts';
import { inTurn } from './turn.ts';
import { isUnchanged, markOf, rememberMark } from './unchanged.ts';
import { settleVanished } from './vanished.ts';
import { tellAll, writeHeads } from './write-heads.ts';

type Protector = ReturnType<typeof protectionOf>;

/** So many heads are read and written at once: neither memory nor a transaction grows with the repository. */
const maxHeadsAtOnce = 500;

/**
 * Brings the rows of one repository to what its refs say; new and moved heads have no known pusher. `pins` also
 * looks whether every pushed head is still pinned; `ifChanged` looks no further while refs and rows say what they said when
 * nothing was left to do.
 */
export function scanRepo(
  forge: Forge,
  { id }: Pick<Repo, 'id'>,
  options: { pins?: boolean; ifChanged?: boolean } = {},
): Promise<void> {
  return inTurn(forge, id, async () => {
    const path = repoPath(forge, id);
    // Before the refs are read: what moves in between is then seen by the next scan.
    const mark = await markOf(forge, id);
    if (options.ifChanged === true && isUnchanged(forge, id, mark)) return;
    const listed = await listHeads(forge.git, path);
    const repo = await settleDefaultBranch(forge, id, listed);
    const protection = protectionOf(forge, repo);
    const rows = endProtected(forge, id, protection);
    const open = new Map(rows.map((row) => [row.name, row]));
    const { heads, unreadable, aside } = await lookAtRefs(forge, { path, listed, open, protection });
    const oids = [...heads.values(), ...rows.map((row) => row.headOid)];
    const missing = await listMissing(forge.git, path, oids);
    const compared = { repo, path, heads, unreadable, aside, missing, open };
    await recordChanged(forge, compared, protection);
    markMissing(forge, compared);
    await isolateBroken(forge, compared, protection);
    await settleLanded(forge, compared);
    await settleVanished(forge, compared);
    if (options.pins === true) await mendLostPins(forge, repo);
    noticeTarget(forge, repo, heads);
    const isSound = missing.size === 0 && unreadable.size === 0 && aside.size === 0;
    const isSettled = isSound && mark === (await markOf(forge, id));
    rememberMark(forge, id, isSettled ? mark : undefined);
  });
}

/** The refs as they are, after those were put back that can be read again. */
async function lookAtRefs(
  forge: Forge,
  place: Pick<Comparison, 'path' | 'open'> & { listed: ReadonlyMap<string, string>; protection: Protector },
): Promise<Pick<Comparison, 'heads' | 'unreadable' | 'aside'>> {
  const { path, listed, open, protection } = place;
  const unreadable = await listUnreadableRefs(join(path, 'refs/heads'), listed);
  const heads = new Map(listed);
  for (const name of unreadable.keys()) if (protection(name) === undefined) heads.set(name, zeroOid);
  const { back, aside } = await putBack(forge, { path, heads, isOpen: (name) => open.has(name) });
  for (const { name, content } of back) heads.set(name, content);
  return { heads, unreadable, aside };
}

/** A branch that was put under protection is nobody's work any more; its ref stays. Answers the rows that are left. */
function endProtected(forge: Forge, repoId: number, protection: Protector): OpenHead[] {
  const rows = listOpenHeads(forge.db, repoId);
  const ended = rows.filter((row) => protection(row.name) !== undefined);
  for (const { id } of ended) settleBranch(forge, { branchId: id, state: 'closed' });
  return ended.length === 0 ? rows : rows.filter((row) => !ended.includes(row));
}

async function recordChanged(
  forge: Forge,
  { repo, heads, open }: Comparison,
  protection: Protector,
): Promise<void> {
  const changed = [...heads].filter(([name, headOid]) => {
    const row = open.get(name);
    if (row === undefined) return protection(name) === undefined;
    // A broken one is read again in every scan, so that it recovers by itself when it is mended.
    return row.headOid !== headOid || row.brokenReason !== null;
  });
  for (let at = 0; at < changed.length; at += maxHeadsAtOnce) {
    const pushed = changed
      .slice(at, at + maxHeadsAtOnce)
      .map(([name, headOid]) => ({ name, headOid, pushedBy: undefined }));
    const read = await readHeads(forge, { repo, heads }, pushed);
    tellAll(
      forge,
      forge.db.transaction(() => writeHeads(forge, repo, read)),
    );
  }
}

/** A head that did not move may still have been lost. */
function markMissing(forge: Forge, { repo, heads, missing, open }: Comparison): void {
  if (missing.size === 0) return;
  for (const row of open.values()) {
    if (!missing.has(row.headOid) || heads.get(row.name) !== row.headOid) continue;
    markBroken(forge, { id: row.id, repoId: repo.id }, missingCommit(row.headOid));
  }
}

async function mendLostPins(forge: Forge, repo: Repo): Promise<void> {
  const { mended, lost } = await mendPins(forge, repo);
  if (mended > 0)
    forge.log.warn({ repoId: repo.id, mended }, 'pushed heads had lost their pins; they have them again');
  if (lost.length > 0) forge.log.error({ repoId: repo.id, lost: lost.slice(0, 20) }, 'pushed heads are gone');
}
