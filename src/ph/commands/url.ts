import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { findBranch, findPlace, type PlaceOptions } from '../place.ts';

export async function url(
  given: string | undefined,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  if (options.json) printJson({ url: view.url });
  else stdout.line(cleanLine(view.url));
  return exitStatus.done;
}
