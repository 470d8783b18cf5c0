// The same lanes on the newest code: for a run of an earlier head that of the branch's tip, for a nightly a new run at
// the tip of the default branch, without waiting for its time. What the target requires by now is run alone, where the
// run at the tip does not have it.
import { recordAudit } from '../../accounts/audit.ts';
import type { Account, Caller } from '../../accounts/model.ts';
import { getBranch } from '../../branches/find.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { fullName, type Repo } from '../../repos/model.ts';
import { createMissingRuns } from '../scheduler/create-run.ts';
import { getRun, listLanes, runOf } from '../find.ts';
import { announce } from '../scheduler/finish.ts';
import { hasEnded, type Run } from '../model.ts';
import { refuseSettled, requireActor } from './order.ts';
import { planAgain } from '../scheduler/plan-again.ts';
import { queueAgain } from './rerun.ts';
import { addNewlyRequired } from '../scheduler/newly-required.ts';
import { startNow } from '../scheduler/run-nightly.ts';

interface Again {
  repo: Repo;
  run: Run;
  caller: Caller;
  reason: string;
}

/**
 * Answers the run that goes on now. Needs the right `write`. Refuses (`conflict`) while the run at the tip or of the nightly
 * still goes on, and when the branch is settled or cannot be read; `not_found` a nightly that the manifest has no more.
 */
export async function runAgain(forge: Forge, order: Again): Promise<Run> {
  const { repo, run, caller, reason } = order;
  const by = requireActor(forge, caller, { repo, right: 'write' });
  refuseSettled(forge, run);
  const tip =
    run.branchId === undefined ? await againNightly(forge, repo, run) : await againAtTip(forge, run, by);
  recordAudit(forge, caller, {
    action: 'run.again',
    subject: `${fullName(repo)} run ${run.number}`,
    detail: { as: tip.number, head: tip.headOid, reason },
  });
  return getRun(forge, tip.id);
}

function againNightly(forge: Forge, repo: Repo, { number, nightly }: Run): Promise<Run> {
  if (nightly !== undefined) return startNow(forge, repo, nightly);
  throw new ForgeError('conflict', `Run ${number} belongs to no branch and no nightly; rerun its lanes.`);
}

async function againAtTip(forge: Forge, run: Run, by: Account): Promise<Run> {
  const known = tipRun(forge, run);
  if (known === undefined) {
    // The newest head was pushed just now, or its run was missed: making it is all that is needed.
    await createMissingRuns(forge);
    const created = tipRun(forge, run);
    if (created === undefined) throw unreadable(forge, run);
    return created;
  }
  if (known.problem !== undefined) await planAgain(forge, known);
  else if ((await addNewlyRequired(forge, known, by)) === 0) rerunWhole(forge, known, by);
  return known;
}

function tipRun(forge: Forge, { branchId }: Run): Run | undefined {
  if (branchId === undefined) return undefined;
  const { revision } = getBranch(forge, branchId);
  return runOf(forge, { branchId, revision });
}

function rerunWhole(forge: Forge, run: Run, by: Account): void {
  const changes = forge.db.transaction(() => {
    const lanes = listLanes(forge, run.id);
    if (lanes.some(({ attempt }) => !hasEnded(attempt.state))) {
      throw new ForgeError('conflict', `Run ${run.number} is at the tip of the branch, and goes on already.`);
    }
    const chosen = lanes.filter(({ attempt }) => attempt.skipCause !== 'path_filter');
    if (chosen.length === 0) {
      throw new ForgeError('conflict', `Run ${run.number}, at the tip of the branch, has no lanes to run.`);
    }
    return queueAgain(forge, { run, lanes, chosen, by }).changes;
  });
  announce(forge, changes);
}

function unreadable(forge: Forge, { branchId }: Run): ForgeError {
  const branch = branchId === undefined ? undefined : getBranch(forge, branchId);
  const why = branch?.brokenReason === undefined ? '' : `: ${branch.brokenReason}`;
  return new ForgeError('conflict', `The tip of ${branch?.name ?? 'the branch'} has no run yet${why}.`);
}
