// CI as a whole, for admins: what it does now, and the orders that hold it, wake it and trust a target again.
import { ciView, type CiView } from '../../ci/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { orNo } from '../named-run.ts';
import { cleanLine, printJson, printTable, stdout } from '../output.ts';
import { findForge } from '../place.ts';

interface CiOptions {
  json?: boolean;
  reason?: string;
}

const words = (text: string): string => text.replaceAll('_', ' ');
const count = (many: number, one: string): string => `${many} ${one}${many === 1 ? '' : 's'}`;

export async function showCi(options: CiOptions): Promise<ExitStatus> {
  const view = await (await findForge()).get('/ci', { answer: ciView });
  if (options.json) printJson(view);
  else describe(view);
  return exitStatus.done;
}

export const wakeCi = (options: CiOptions): Promise<ExitStatus> =>
  order('wake-ci', options, (view) => `CI looks at everything now: ${summary(view)}`);

export const pauseCi = (options: CiOptions): Promise<ExitStatus> =>
  order('pause-ci', options, (view) => `CI is paused: ${summary(view)}; go on with: ph resume-ci`);

export const resumeCi = (options: CiOptions): Promise<ExitStatus> =>
  order('resume-ci', options, (view) => `CI goes on: ${summary(view)}`);

export function clearTarget(target: string, options: CiOptions): Promise<ExitStatus> {
  const done = (view: CiView) => `${cleanLine(target)} is taken for healthy: ${summary(view)}`;
  return order('clear-target', { ...options, target }, done);
}

async function order(
  verb: string,
  options: CiOptions & { target?: string },
  sentence: (view: CiView) => string,
): Promise<ExitStatus> {
  const { json, ...body } = options;
  const view = await orNo((await findForge()).post(`/ci/${verb}`, body, ciView));
  if (json) printJson(view);
  else stdout.line(sentence(view));
  return exitStatus.done;
}

function summary({ running, reasons }: CiView): string {
  const waiting = reasons.reduce((sum, reason) => sum + reason.count, 0);
  return `${running.length} running, ${waiting} waiting`;
}

function describe(view: CiView): void {
  const { paused, targets, running, waiting, reasons, lost } = view;
  if (paused !== null) {
    const by = paused.by === null ? '' : ` by ${cleanLine(paused.by)}`;
    stdout.line(stdout.paint('yellow', `paused${by} since ${paused.at}: ${cleanLine(paused.reason)}`));
  }
  for (const target of targets) stdout.line(describeTarget(target));
  for (const { attemptId, since, programs } of lost) {
    stdout.line(
      stdout.paint('red', `lost place: attempt ${attemptId} since ${since}, ${count(programs, 'program')}`),
    );
  }
  const tally = reasons.map((entry) => `${entry.count} ${words(entry.reason)}`).join(', ');
  stdout.line(`${summary(view)}${tally === '' ? '' : ` (${tally})`}`);
  printTable([
    ...running.map((row) => [row.state, ...placeOf(row), `last heard of ${row.confirmedAt ?? 'never'}`]),
    ...waiting.map((row) => ['queued', ...placeOf(row), whyOf(row)]),
  ]);
}

function describeTarget(target: CiView['targets'][number]): string {
  const places = `${cleanLine(target.name)}: ${target.taken} of ${target.places ?? 'no'} places taken`;
  if (target.healthy) return places;
  const why = target.message === null ? '' : `: ${cleanLine(target.message)}`;
  const only = target.repo === null ? '' : ` for ${cleanLine(target.repo)}`;
  const until = `${places}, unhealthy${only} until ${target.unhealthyUntil ?? 'cleared'}${why}`;
  return `${stdout.paint('red', until)}; trust it again with: ph clear-target ${cleanLine(target.name)}`;
}

const placeOf = (row: Pick<CiView['running'][number], 'repo' | 'run' | 'lane'>): string[] => [
  `${cleanLine(row.repo)} run ${row.run}`,
  cleanLine(row.lane),
];

const whyOf = ({ reason, reasonDetail }: CiView['waiting'][number]): string =>
  cleanLine(reasonDetail === null ? words(reason) : `${words(reason)}: ${reasonDetail}`);
