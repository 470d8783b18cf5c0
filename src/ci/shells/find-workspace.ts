// The kept workspace that a debug shell is wanted in, or a sentence that says why there is none.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Caller } from '../../accounts/model.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { findRepo } from '../../repos/find.ts';
import type { Repo } from '../../repos/model.ts';
import { noSuchRepo, requireRight } from '../../repos/rights.ts';
import { findLane, findRun, listAttempts } from '../find.ts';
import { tiers, type Tier } from '../lanes/lane-message.ts';
import { attemptFolder } from '../lanes/launch.ts';
import { hasEnded, type Attempt, type Lane, type Run } from '../model.ts';

export interface WorkspaceWanted {
  caller: Caller;
  owner: string;
  name: string;
  /** Its number in the repository. */
  run: number;
  lane: string;
  /** Left out: the newest one. */
  attempt?: number | undefined;
}

export interface Workspace {
  repo: Repo;
  run: Run;
  lane: Lane;
  attempt: Attempt;
  /** Of the attempt, with `work` and `home`. */
  folder: string;
  /** The sandbox that the attempt ran in. */
  tier: Tier;
}

/**
 * Refuses like `requireRight` without the right to write, `not_found` for what does not exist, `conflict` for an attempt whose
 * workspace is not kept, `unavailable` when the sandbox it ran in does not work here any more.
 */
export function findWorkspace(forge: Forge, wanted: WorkspaceWanted, tier: Tier | undefined): Workspace {
  const { caller, owner, name } = wanted;
  const repo = findRepo(forge, owner, name);
  if (repo === undefined) throw noSuchRepo(`${owner}/${name}`, caller);
  requireRight(forge, caller, { repo, right: 'write' });
  const { run, lane, attempt, attempts } = findAttempt(forge, repo, wanted);
  const folder = keptFolderOf(forge, attempt);
  if (folder === undefined) throw notKept(forge, { lane, attempt, attempts });
  const ranIn = tiers.find((known) => known === attempt.sandbox);
  if (ranIn === undefined || ranIn !== tier) {
    throw new ForgeError(
      'unavailable',
      `The attempt ran in the sandbox ${attempt.sandbox ?? 'of an older forge'}, but lanes run in ${tier ?? 'none'} here now. Run the lane again: ph rerun --lane ${lane.key}`,
    );
  }
  return { repo, run, lane, attempt, folder, tier: ranIn };
}

/** Of a failed attempt whose folder is still there, and will be for a while. */
export function keptFolderOf(forge: Forge, { id, token, keptUntil }: Attempt): string | undefined {
  if (keptUntil === undefined || keptUntil <= forge.clock.now()) return undefined;
  const folder = attemptFolder(forge, { attemptId: id, token });
  return existsSync(join(folder, 'work')) ? folder : undefined;
}

function findAttempt(forge: Forge, repo: Repo, wanted: WorkspaceWanted) {
  const run = findRun(forge, repo.id, wanted.run);
  if (run === undefined) throw new ForgeError('not_found', `There is no run ${wanted.run} here.`);
  const lane = findLane(forge, run.id, wanted.lane);
  if (lane === undefined)
    throw new ForgeError('not_found', `Run ${run.number} has no lane "${wanted.lane}".`);
  const attempts = listAttempts(forge, lane.id);
  const number = wanted.attempt ?? lane.attempt.number;
  const attempt = attempts.find((one) => one.number === number);
  if (attempt === undefined)
    throw new ForgeError('not_found', `The lane ${lane.key} has no attempt ${number}.`);
  return { run, lane, attempt, attempts };
}

function notKept(forge: Forge, asked: { lane: Lane; attempt: Attempt; attempts: Attempt[] }): ForgeError {
  const { lane, attempt, attempts } = asked;
  const what = `Attempt ${attempt.number} of ${lane.key}`;
  if (!hasEnded(attempt.state)) {
    return new ForgeError('conflict', `${what} is ${attempt.state}; a shell opens after it has failed.`);
  }
  const kept = attempts.findLast((one) => keptFolderOf(forge, one) !== undefined);
  const other = kept === undefined ? '' : ` That of attempt ${kept.number} is: ask for it by its number.`;
  if (attempt.state !== 'failed') {
    return new ForgeError(
      'conflict',
      `${what} ended as ${attempt.state}; the workspaces of failed attempts alone are kept.${other}`,
    );
  }
  const secrets = lane.extras.secrets.length > 0 ? ' Lanes with secrets are never kept.' : '';
  const way = other === '' ? ` Run it again: ph rerun --lane ${lane.key}` : other;
  return new ForgeError('conflict', `${what} failed, but its workspace is not there.${secrets}${way}`);
}
