// Turns accepted pushes into rows, from their spool files and in their order. Reading a push twice changes
// nothing the second time, so a crash at any point only means reading it again.
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ZodError } from 'zod';
import type { Forge } from '../forge/open.ts';
import { branchOf, isDeletion, type RefUpdate } from '../git/push.ts';
import { listHeads, zeroOid } from '../git/refs.ts';
import type { Repo } from '../repos/model.ts';
import { ForgeError } from '../lib/errors.ts';
import { getRepo } from '../repos/find.ts';
import { repoPath } from '../repos/path.ts';
import { protectionOf } from '../repos/protected.ts';
import { recordPush } from '../repos/record-push.ts';
import { branchUrl, repoUrls } from '../repos/urls.ts';
import { findOpenBranch } from './find.ts';
import type { Branch } from './model.ts';
import { readHeads, type Place, type PushedHead } from './record-heads.ts';
import { settleRow } from './settle.ts';
import { listSpool, readSpooled, removeSpooled, type SpooledPush } from './spool.ts';
import { insertIngested, wasIngested } from './store.ts';
import { noticeTarget, settleDefaultBranch } from './target.ts';
import { inTurn } from './turn.ts';
import { tellAll, writeHeads } from './write-heads.ts';

const maxShownBranches = 5;

/**
 * Reads every waiting push; answers, per push, what to tell the one who pushed. A push that fails stays for the
 * next pass, and a file that is no push is put aside; neither stops the rest.
 */
export async function ingestSpool(forge: Forge): Promise<Map<string, string[]>> {
  const told = new Map<string, string[]>();
  for (const id of listSpool(forge.config.paths.spool)) {
    const push = await readOrPutAside(forge, id);
    if (push === undefined) continue;
    try {
      told.set(id, await ingestPush(forge, push));
    } catch (error) {
      forge.log.error({ err: error, push: id }, 'a push could not be ingested; it is tried again');
    }
  }
  return told;
}

async function readOrPutAside(forge: Forge, id: string): Promise<SpooledPush | undefined> {
  const folder = forge.config.paths.spool;
  try {
    const push = readSpooled(folder, id);
    // A repository that is gone takes its pushes with it.
    if (push !== undefined) getRepo(forge, push.repoId);
    return push;
  } catch (error) {
    const isHopeless =
      error instanceof ZodError || (error instanceof ForgeError && error.code === 'not_found');
    if (!isHopeless) {
      forge.log.error({ err: error, push: id }, 'a spooled push could not be read; it is tried again');
      return undefined;
    }
    forge.log.error({ err: error, push: id }, 'a spooled push is none; it is put aside');
    await rename(join(folder, id), join(folder, `${id}.unreadable`)).catch(() => undefined);
    return undefined;
  }
}

function ingestPush(forge: Forge, push: SpooledPush): Promise<string[]> {
  return inTurn(forge, push.repoId, async () => {
    if (wasIngested(forge.db, push.id)) {
      removeSpooled(forge.config.paths.spool, push.id);
      return [];
    }
    const heads = await listHeads(forge.git, repoPath(forge, push.repoId));
    const repo = await settleDefaultBranch(forge, push.repoId, heads);
    const { closed, pushed } = planUpdates(forge, { repo, heads }, push);
    const read = await readHeads(forge, { repo, heads }, pushed);
    const facts = forge.db.transaction(() => {
      const ended = closed.filter(({ id }) =>
        settleRow(forge, { branchId: id, state: 'closed', actorId: push.actorId }),
      );
      const told = writeHeads(forge, repo, read);
      insertIngested(forge.db, { id: push.id, now: forge.clock.now() });
      recordPush(forge, repo.id);
      return { ended, told };
    });
    removeSpooled(forge.config.paths.spool, push.id);
    for (const { id } of facts.ended) {
      forge.events.emit('branch-settled', { repoId: repo.id, branchId: id, state: 'closed' });
    }
    tellAll(forge, facts.told);
    noticeTarget(forge, repo, heads);
    forge.events.emit('repo-changed', { repoId: repo.id });
    return linesFor(forge, repo, push.updates);
  });
}

/** What a push means for the rows: which open branches it ended, and which heads it brought. */
function planUpdates(
  forge: Forge,
  { repo, heads }: Place,
  push: SpooledPush,
): { closed: Branch[]; pushed: PushedHead[] } {
  const closed: Branch[] = [];
  const pushed: PushedHead[] = [];
  const protection = protectionOf(forge, repo);
  for (const update of push.updates) {
    const name = branchOf(update.ref);
    if (name === undefined || protection(name) !== undefined) continue;
    const branch = findOpenBranch(forge, repo.id, name);
    const now = heads.get(name);
    if (isDeletion(update)) {
      if (branch !== undefined && (now === undefined || branch.headOid === update.oldOid))
        closed.push(branch);
      continue;
    }
    // A push that a later one has overtaken, in rows and refs, says nothing that is still true.
    const isNext = (branch?.headOid ?? zeroOid) === update.oldOid;
    const isPassing = update.oldOid === (now ?? zeroOid) && !leadsBack(forge, push, update);
    if ((isNext && !isPassing) || now === update.newOid) {
      pushed.push({ name, headOid: update.newOid, pushedBy: push.actorId });
    }
  }
  return { closed, pushed };
}

/**
 * Whether pushes that wait behind this one bring its ref back to where it was. Where they do not, the ref was brought there by
 * one that nobody heard of, and this one is of before that.
 */
function leadsBack(forge: Forge, { id, repoId }: SpooledPush, { ref, oldOid, newOid }: RefUpdate): boolean {
  const folder = forge.config.paths.spool;
  const waiting = listSpool(folder);
  let at = newOid;
  for (const later of waiting.slice(waiting.indexOf(id) + 1)) {
    const push = readIfSound(folder, later);
    const next = push?.repoId === repoId ? push.updates.find((one) => one.ref === ref) : undefined;
    if (next?.oldOid === at) at = next.newOid;
    if (at === oldOid) return true;
  }
  return false;
}

/** What is no push is put aside in its turn. */
function readIfSound(folder: string, id: string): SpooledPush | undefined {
  try {
    return readSpooled(folder, id);
  } catch {
    return undefined;
  }
}

function linesFor(forge: Forge, repo: Repo, updates: readonly RefUpdate[]): string[] {
  const branches = updates
    .filter((update) => !isDeletion(update))
    .map((update) => findOpenBranch(forge, repo.id, branchOf(update.ref) ?? ''))
    .filter((branch) => branch !== undefined);
  if (branches.length === 0) return [`Repository: ${repoUrls(forge, repo).page}`];
  const lines = branches
    .slice(0, maxShownBranches)
    .map((branch) => `Branch #${branch.number}: ${branchUrl(forge, repo, branch.number)}`);
  return [...lines, 'Follow its lanes with: ph wait'];
}
