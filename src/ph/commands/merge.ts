import { mergeView } from '../../landing/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { commitOf } from '../checkout.ts';
import { Failure, notFound } from '../failure.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import {
  branchRoute,
  findBranch,
  findPlace,
  getStatus,
  type FoundBranch,
  type PlaceOptions,
} from '../place.ts';
import { shortOid } from '../verdict.ts';

export interface MergeOptions extends PlaceOptions {
  json?: boolean;
  message?: string;
  head?: string;
  method?: string;
  force?: boolean;
  reason?: string;
}

/** Lands the branch at the commit that is here; never one that nobody here has seen. */
export async function merge(given: string | undefined, options: MergeOptions): Promise<ExitStatus> {
  const choice = choiceOf(options);
  const place = await findPlace(options);
  const found = await findBranch(place, given);
  const head = expectedHead(found, options.head);
  const { branch, gate } = await getStatus(place, found.view.number);
  if (branch.state === 'open' && head !== branch.head) {
    throw new Failure(
      exitStatus.moved,
      `The branch is at ${shortOid(branch.head)} on the forge, and ${shortOid(head)} is here. Nothing was merged. Pull or push, wait for CI, and merge again.`,
    );
  }
  if (!gate.open && !options.force) {
    const missing = gate.holds
      .map((hold) => `\n  ${cleanLine(hold.message)} ${cleanLine(hold.wayOut)}`)
      .join('');
    throw new Failure(exitStatus.no, `Not merged; this is missing:${missing}`, {
      details: { holds: gate.holds },
    });
  }
  const route = `${branchRoute(place, branch.number)}/merge`;
  const answer = await place.client.post(route, { head, ...choice }, mergeView);
  if (options.json) printJson(answer);
  else {
    stdout.line(
      `${stdout.paint('green', 'merged')} ${cleanLine(branch.name)} #${branch.number} into ${cleanLine(answer.target)} as ${answer.commit}`,
    );
  }
  return exitStatus.done;
}

/** What was asked for beside the usual. A force without its reason is refused before anybody is asked. */
function choiceOf({ method, message, force, reason }: MergeOptions): Record<string, unknown> {
  if (force && !reason?.trim()) {
    throw new Failure(exitStatus.wrongUse, 'A forced merge needs a reason: --force --reason TEXT');
  }
  if (!force && reason !== undefined) {
    throw new Failure(
      exitStatus.wrongUse,
      'A reason goes with --force; say what you merge with --message TEXT.',
    );
  }
  return {
    ...(method === undefined ? {} : { method }),
    ...(message === undefined ? {} : { message }),
    ...(force ? { force: { reason } } : {}),
  };
}

// Outside a checkout of the branch nobody here has seen a commit, so the one meant must be named.
export function expectedHead({ view, local }: FoundBranch, named: string | undefined): string {
  if (named !== undefined) {
    const full = /^[0-9a-f]{40}$/i.test(named) ? named.toLowerCase() : commitOf(named);
    if (full === undefined)
      throw notFound(`There is no commit ${named} here; give --head all 40 digits of it.`);
    return full;
  }
  if (local !== undefined) return local;
  throw new Failure(
    exitStatus.wrongUse,
    `The branch ${cleanLine(view.name)} is not checked out here. Check it out, or say which commit you mean: --head ${view.head}`,
  );
}
