import { tutorialView, type TutorialView } from '../../reviews/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { clean, cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

export async function tutorial(
  given: string | undefined,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const route = `${branchRoute(place, view.number)}/tutorial`;
  const answer = await place.client.get(route, { answer: tutorialView });
  if (options.json) printJson(answer);
  else print(answer);
  return exitStatus.done;
}

function print(guide: TutorialView): void {
  if (guide.steps.length === 0) {
    const why = guide.message === null ? '' : `: ${cleanLine(guide.message)}`;
    const state = guide.state === 'ready' ? 'nothing changes' : `tutorial ${guide.state}`;
    stdout.line(`${state}${why}; read the change with: ph diff`);
    return;
  }
  if (guide.summary !== '') stdout.line(clean(guide.summary));
  for (const step of guide.steps) {
    stdout.line();
    stdout.line(stdout.paint('bold', `${step.number}. ${cleanLine(step.title)}`));
    if (step.intent !== '') stdout.line(`   ${cleanLine(step.intent)}`);
    for (const line of step.prose === '' ? [] : clean(step.prose).split('\n'))
      stdout.line(`   ${line}`.trimEnd());
    for (const path of new Set(step.hunks.map((hunk) => hunk.path))) {
      stdout.line(stdout.paint('dim', `   ${cleanLine(path)}`));
    }
  }
  if (guide.revision !== guide.current) {
    stdout.line();
    stdout.line(`This explains revision ${guide.revision}; the branch is at revision ${guide.current}.`);
  }
}
