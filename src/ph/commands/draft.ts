import { holdsView } from '../../landing/holds/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

type Options = PlaceOptions & { json?: boolean };

export const draft = (given: string | undefined, options: Options): Promise<ExitStatus> =>
  mark(given, options, true);

export const ready = (given: string | undefined, options: Options): Promise<ExitStatus> =>
  mark(given, options, false);

async function mark(given: string | undefined, options: Options, isDraft: boolean): Promise<ExitStatus> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const answer = await place.client.put(
    `${branchRoute(place, view.number)}/draft`,
    { draft: isDraft },
    holdsView,
  );
  if (options.json) printJson(answer);
  else {
    const name = `${cleanLine(view.name)} #${view.number}`;
    stdout.line(
      isDraft ? `${name} is a draft; when it is ready: ph ready ${view.number}` : `${name} is ready`,
    );
  }
  return exitStatus.done;
}
