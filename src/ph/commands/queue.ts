// The landing queue on a terminal: its order, why each branch waits, and what left it last.
import { queueView, type LandingView, type QueueView } from '../../landing/queue/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { testedWith } from '../landing-words.ts';
import { cleanLine, elapsed, printJson, printTable, stdout } from '../output.ts';
import { findPlace, repoRoute, type PlaceOptions } from '../place.ts';

export interface QueueOptions extends PlaceOptions {
  json?: boolean;
  target?: string;
  pause?: string;
  resume?: boolean;
}

const endedShown = 5;

export async function queue(options: QueueOptions): Promise<ExitStatus> {
  const { pause, resume, target } = options;
  if (pause !== undefined && resume) throw wrongUse('--pause and --resume are two orders; give one of them');
  if (pause?.trim() === '') throw wrongUse("say why it is paused: --pause 'cutting 2.8.1'");
  const place = await findPlace(options);
  const route = `${repoRoute(place)}/landings`;
  const order = pause === undefined ? (resume ? 'resume' : undefined) : 'pause';
  const answer =
    order === undefined
      ? await place.client.get(route, { answer: queueView })
      : await place.client.post(`${route}/${order}`, pause === undefined ? {} : { reason: pause }, queueView);
  const shown = target === undefined ? answer : only(answer, target);
  if (options.json) printJson(shown);
  else print(shown);
  return exitStatus.done;
}

const only = (answer: QueueView, target: string): QueueView => ({
  ...answer,
  targets: answer.targets.filter((queued) => queued.target === target),
  ended: answer.ended.filter((landing) => landing.target === target),
});

function print({ repo, paused, targets, ended }: QueueView): void {
  if (paused !== null) {
    const by = paused.by === null ? '' : ` by ${cleanLine(paused.by)}`;
    const since = elapsed(paused.since, null);
    stdout.line(
      `${stdout.paint('yellow', 'paused')}${by} for ${since}: ${cleanLine(paused.reason)}. Next: ph queue --resume`,
    );
  }
  const isEmpty = targets.every(({ entries, waiting }) => entries.length + waiting.length === 0);
  if (isEmpty) stdout.line(`Nothing waits to land in ${cleanLine(repo)}. Next: ph land`);
  for (const { target, entries, waiting } of targets) {
    if (entries.length + waiting.length === 0) continue;
    stdout.line(stdout.paint('bold', `on ${cleanLine(target)}`));
    printTable([...entries, ...waiting].map(rowOf));
  }
  if (ended.length === 0) return;
  stdout.line(stdout.paint('bold', 'left the queue'));
  printTable(ended.slice(0, endedShown).map(endedRow));
}

function rowOf(landing: LandingView): string[] {
  const { branch, position, state, since, detail, holds } = landing;
  const why = state === 'waiting' && holds.length > 0 ? holds.map((hold) => hold.message).join(' ') : detail;
  return [
    `  ${position === null ? '-' : String(position)}`,
    `#${branch.number}`,
    state,
    cleanLine(branch.name),
    testedWith(landing),
    elapsed(since, null),
    cleanLine(why),
  ];
}

function endedRow({ branch, state, ended }: LandingView): string[] {
  const why = ended === null ? '' : cleanLine(`${ended.why} ${ended.wayOut}`);
  return ['  ', `#${branch.number}`, state, cleanLine(branch.name), why];
}
