import { branchView, type BranchView } from '../../branches/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

type Options = PlaceOptions & { json?: boolean };

/** Takes the branch out of review and its ref away; the forge keeps every revision. */
export async function close(given: string | undefined, options: Options): Promise<ExitStatus> {
  const branch = await settle('close', given, options);
  if (!options.json) {
    stdout.line(
      `closed ${cleanLine(branch.name)} #${branch.number}; bring it back with: ph reopen ${branch.number}`,
    );
  }
  return exitStatus.done;
}

export async function reopen(given: string | undefined, options: Options): Promise<ExitStatus> {
  const branch = await settle('reopen', given, options);
  if (!options.json) stdout.line(`reopened ${cleanLine(branch.name)} #${branch.number}`);
  return exitStatus.done;
}

async function settle(
  verb: 'close' | 'reopen',
  given: string | undefined,
  options: Options,
): Promise<BranchView> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const branch = await place.client.post(`${branchRoute(place, view.number)}/${verb}`, {}, branchView);
  if (options.json) printJson(branch);
  return branch;
}
