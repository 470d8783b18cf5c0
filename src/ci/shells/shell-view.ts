// What the page of a failed lane says of the debug shell: how to open one, who is in it, and who was.
import { sshAddress, type Forge } from '../../forge/open.ts';
import { getBranch } from '../../branches/find.ts';
import { fullName, includesRight } from '../../repos/model.ts';
import { rightOn } from '../../repos/rights.ts';
import { keptFolderOf } from './find-workspace.ts';
import type { ShownLane } from '../shown-run.ts';
import { listShellsOfAttempt } from './shell-store.ts';

const shownShells = 5;

const endings = {
  left: 'left',
  time_limit: 'ended by its time limit',
  right_lost: 'ended when the right to write was lost',
  stopped: 'ended from the page',
  over_limit: 'ended because it took too much of the machine',
  forge_stopped: 'ended when the forge was stopped',
  forge_died: 'ended when the forge died',
};

/** Undefined for those who may not open one, and where there is none and was none. */
export function shellView(forge: Forge, shown: ShownLane) {
  const { repo, run, lane, attempt, caller, lanePath, isNewest } = shown;
  if (!includesRight(rightOn(forge, caller, repo), 'write')) return undefined;
  const isKept = keptFolderOf(forge, attempt) !== undefined;
  const shells = listShellsOfAttempt(forge.db, attempt.id, shownShells);
  if (!isKept && shells.length === 0) return undefined;
  const { host, port } = sshAddress(forge.config);
  const minutesTo = (at: number) => Math.max(1, Math.ceil((at - forge.clock.now()) / 60_000));
  const open = shells.find(({ endedAt }) => endedAt === null);
  const number = isNewest ? '' : ` ${attempt.number}`;
  const branch = run.branchId === undefined ? undefined : getBranch(forge, run.branchId);
  return {
    isKept,
    keptUntil: attempt.keptUntil,
    keptMinutes: minutesTo(attempt.keptUntil ?? 0),
    minutes: forge.config.ci.shellMinutes,
    ph:
      branch === undefined
        ? undefined
        : `ph shell ${branch.number} --lane ${lane.key}${isNewest ? '' : ` --attempt${number}`}`,
    ssh: `ssh -t ${port === 22 ? '' : `-p ${port} `}git@${host} shell ${fullName(repo)} ${run.number} ${lane.key}${number}`,
    open: open && { ...open, minutes: minutesTo(open.endsBy) },
    past: shells.flatMap(({ ending, ...shell }) =>
      ending === null ? [] : [{ ...shell, how: endings[ending] }],
    ),
    endPath: `${lanePath}/shell/end`,
  };
}
