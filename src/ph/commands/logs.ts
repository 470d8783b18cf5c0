// The logs of a branch's newest run: raw for one lane, with a heading each for several, failing ones first; and before
// the log of what failed, the tests that failed.
import { hasEnded, type LaneView, type RunView } from '../../ci/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { describeTests, readFailingTests } from '../failing-tests.ts';
import { notFound, wrongUse } from '../failure.ts';
import { readLog, type LaneLog } from '../lane-log.ts';
import { cleanLine, printJson, stderr, stdout } from '../output.ts';
import { findBranch, findPlace, getStatus, type Place, type PlaceOptions } from '../place.ts';
import { colourOf, failingFirst, isFailing, reasonOf } from '../verdict.ts';

export interface LogsOptions extends PlaceOptions {
  json?: boolean;
  lane?: string;
  attempt?: string;
  failed?: boolean;
  follow?: boolean;
}

export async function logs(given: string | undefined, options: LogsOptions): Promise<ExitStatus> {
  const attempt = attemptOf(options);
  if (options.json && options.follow) throw wrongUse('--json and --follow do not go together.');
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const { run } = await getStatus(place, view.number);
  if (run === null) throw notFound('CI has not started for this branch yet. Wait for it: ph wait');
  const lanes = chooseLanes(run, options);
  if (run.problem !== null) stderr.line(`ph: run ${run.number} has no lanes: ${cleanLine(run.problem)}`);
  else if (lanes.length === 0) {
    stderr.line(options.failed ? 'ph: no lane failed.' : 'ph: no lane has a log yet.');
  }
  const tests = options.failed === true ? await readFailingTests(place, run.number) : [];
  const logsOfLanes: object[] = [];
  for (const lane of lanes) {
    const source = { place, run: run.number, lane, attempt: attempt ?? lane.attempt };
    const told = tests.find((one) => one.lane === lane.id && one.attempt === source.attempt);
    if (options.json) {
      const log = await readWhole(source);
      logsOfLanes.push({ ...lane, attempt: source.attempt, ...(told && { tests: told }), log });
      continue;
    }
    if (lanes.length > 1 || options.failed) stdout.line(heading(lane, source.attempt));
    if (told !== undefined) stdout.line(`${describeTests(told, stdout).join('\n')}\n`);
    await printLog(source, options.follow === true);
  }
  if (options.json) printJson({ run: run.number, head: run.head, lanes: logsOfLanes });
  return exitStatus.done;
}

function attemptOf({ attempt, lane }: LogsOptions): number | undefined {
  if (attempt === undefined) return undefined;
  if (lane === undefined) throw wrongUse('--attempt needs --lane: attempts are counted per lane.');
  if (/^[1-9]\d{0,5}$/.test(attempt)) return Number(attempt);
  throw wrongUse(`"${attempt}" is no attempt; they are counted from 1.`);
}

function chooseLanes(run: RunView, options: LogsOptions): LaneView[] {
  if (options.lane !== undefined) {
    const lane = run.lanes.find(({ id }) => id === options.lane);
    if (lane !== undefined) return [lane];
    const known = run.lanes.map(({ id }) => cleanLine(id)).join(', ') || 'none';
    throw notFound(`Run ${run.number} has no lane ${options.lane}; its lanes are: ${known}.`);
  }
  const lanes = failingFirst(run.lanes);
  if (options.failed) return lanes.filter(isFailing);
  return lanes.filter((lane) => lane.startedAt !== null);
}

function heading(lane: LaneView, attempt: number): string {
  const reason = reasonOf(lane);
  const state = attempt === lane.attempt ? stdout.paint(colourOf(lane.state), lane.state) : 'earlier';
  const detail = reason === '' || attempt !== lane.attempt ? '' : ` (${reason})`;
  return `${stdout.paint('bold', `==> ${cleanLine(lane.id)}`)} ${state}${detail}, attempt ${attempt}`;
}

interface LogSource {
  place: Place;
  run: number;
  lane: LaneView;
  attempt: number;
}

const logOf = ({ lane, ...source }: LogSource): LaneLog => ({ ...source, lane: lane.id });

async function readWhole(source: LogSource): Promise<string> {
  const parts: string[] = [];
  for await (const text of readLog(logOf(source), () => false)) parts.push(text);
  return parts.join('');
}

async function printLog(source: LogSource, follow: boolean): Promise<void> {
  for await (const text of readLog(logOf(source), () => follow && !hasEnded(source.lane.state))) {
    if (!process.stdout.write(text)) {
      await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  }
}
