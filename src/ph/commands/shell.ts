// A debug shell in the kept workspace of a failed lane, over the ssh that git uses. At a terminal it is a terminal; from
// a pipe it reads commands, so that `ph shell --lane unit < commands` answers what they print.
import type { LaneView, RunView } from '../../ci/model.ts';
import { exitStatus } from '../../lib/statuses.ts';
import { Failure, notFound, wrongUse } from '../failure.ts';
import { cleanLine, printJson } from '../output.ts';
import { findBranch, findPlace, getStatus, type Place, type PlaceOptions } from '../place.ts';
import { runSsh } from '../run-ssh.ts';
import type { SshAddress } from '../session.ts';
import { isFailing } from '../verdict.ts';

export interface ShellOptions extends PlaceOptions {
  json?: boolean;
  lane?: string;
  attempt?: string;
}

/** What ssh answers when it never came so far as to run something. */
const noConnection = 255;

/** Answers the exit status of the shell. With `--json` it opens none, and says how one is opened. */
export async function shell(given: string | undefined, options: ShellOptions): Promise<number> {
  const attempt = attemptOf(options);
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const { run } = await getStatus(place, view.number);
  if (run === null) throw notFound('CI has not started for this branch yet. Wait for it: ph wait');
  const lane = chooseLane(run, options.lane);
  const number = attempt ?? lane.attempt;
  const command = `shell ${place.owner}/${place.repo} ${run.number} ${lane.id} ${number}`;
  const address = await sshOf(place);
  if (options.json) {
    const keptUntil = number === lane.attempt ? lane.keptUntil : null;
    printJson({ run: run.number, lane: lane.id, attempt: number, keptUntil, ssh: address, command });
    return exitStatus.done;
  }
  const terminal = process.stdin.isTTY ? '-t' : '-T';
  const status = await runSsh({ address, options: [terminal], command, stdio: 'inherit' }).ended;
  if (status !== noConnection) return status ?? exitStatus.no;
  const { host, port } = address;
  throw new Failure(
    exitStatus.unreachable,
    `ssh to git@${host} port ${port} failed. Is your key known to the forge? Try: ssh -p ${port} git@${host} whoami`,
  );
}

function attemptOf({ attempt }: ShellOptions): number | undefined {
  if (attempt === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(attempt)) return Number(attempt);
  throw wrongUse(`"${attempt}" is no attempt; they are counted from 1.`);
}

/** The one that is named; else the only one with a workspace, or the only one that failed. */
function chooseLane({ lanes, number }: RunView, named: string | undefined): LaneView {
  const known = (some: readonly LaneView[]) => some.map(({ id }) => cleanLine(id)).join(', ');
  if (named !== undefined) {
    const lane = lanes.find(({ id }) => id === named);
    if (lane !== undefined) return lane;
    throw notFound(`Run ${number} has no lane ${named}; its lanes are: ${known(lanes) || 'none'}.`);
  }
  const kept = lanes.filter(({ keptUntil }) => keptUntil !== null);
  const candidates = kept.length > 0 ? kept : lanes.filter(isFailing);
  const [only, ...more] = candidates;
  if (only === undefined)
    throw new Failure(exitStatus.no, `No lane of run ${number} failed; there is nothing to look into.`);
  if (more.length === 0) return only;
  throw wrongUse(`Which lane? Say it with --lane; these failed: ${known(candidates)}.`);
}

/** As the checkout reaches it, else as the forge says. */
async function sshOf({ client, owner, repo, checkout }: Place): Promise<SshAddress> {
  for (const { address } of checkout?.remotes ?? []) {
    const isThis = address.kind === 'ssh' && address.owner === owner && address.repo === repo;
    if (isThis && address.user === 'git') return { host: address.host, port: address.port };
  }
  const { sshHost, sshPort } = await client.forge();
  return { host: sshHost, port: sshPort };
}
