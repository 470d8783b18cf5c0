import { branchView } from '../../branches/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

/** Aims an open branch at another target. */
export async function retarget(
  target: string,
  given: string | undefined,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const route = `${branchRoute(place, view.number)}/retarget`;
  const branch = await place.client.post(route, { target }, branchView);
  if (options.json) printJson(branch);
  else
    stdout.line(`${cleanLine(branch.name)} #${branch.number} is to land on ${cleanLine(branch.target)} now`);
  return exitStatus.done;
}
