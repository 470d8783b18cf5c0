import { branchView, type BranchView } from '../../branches/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { Failure } from '../failure.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

type Options = PlaceOptions & { json?: boolean; reason?: string };

/** Makes a new branch on the forge that takes back what a merged one brought. */
export async function revert(given: string, options: Options): Promise<ExitStatus> {
  const body = options.reason === undefined ? {} : { reason: options.reason };
  const made = await ask('revert', given, { options, body });
  if (!options.json) {
    stdout.line(
      `made ${cleanLine(made.name)} #${made.number}, which takes it back from ${cleanLine(made.target)}: ${made.url}`,
    );
  }
  return exitStatus.done;
}

/** Makes a new branch with the name and the head of a merged one. */
export async function restore(given: string, options: Options): Promise<ExitStatus> {
  const made = await ask('restore', given, { options, body: {} });
  if (!options.json) {
    stdout.line(
      `brought back ${cleanLine(made.name)} as #${made.number}; get it with: ph checkout ${made.number}`,
    );
  }
  return exitStatus.done;
}

async function ask(
  verb: 'revert' | 'restore',
  given: string,
  { options, body }: { options: Options; body: object },
): Promise<BranchView> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  if (view.state !== 'merged') {
    throw new Failure(
      exitStatus.no,
      `Branch #${view.number} is ${view.state}, not merged; there is nothing to ${verb}.`,
    );
  }
  const made = await place.client.post(`${branchRoute(place, view.number)}/${verb}`, body, branchView);
  if (options.json) printJson(made);
  return made;
}
