// Waits for the commit that is here, not for whatever the forge has by then. The forge answers when there
// is news, so nothing is asked twice for nothing.
import { setTimeout as pause } from 'node:timers/promises';
import type { LaneTestsView } from '../../ci/tests/model.ts';
import { waitView, type BranchStatusView, type WaitView } from '../../landing/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { describeTests, readFailingTests } from '../failing-tests.ts';
import { Failure, wrongUse } from '../failure.ts';
import { describeLanding, hasLeft } from '../landing-words.ts';
import { cleanLine, printJson, stderr, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type Place, type PlaceOptions } from '../place.ts';
import { Progress } from '../progress.ts';
import { failingNames, isGreen, nextCommand, shortOid, waitsRed } from '../verdict.ts';

export interface WaitOptions extends PlaceOptions {
  json?: boolean;
  timeout: string;
  for: string;
}

/** One request waits this long at most; the forge may answer sooner. */
const requestSeconds = 50;
/** How long a forge that answered before may be away, e.g. for a restart. */
const awayMs = 60_000;
/** A push may be accepted a moment before its branch is known. */
const notPushedSeconds = 3;

export async function wait(given: string | undefined, options: WaitOptions): Promise<ExitStatus> {
  const goal = goalOf(options.for);
  const deadline = Date.now() + parseSeconds(options.timeout) * 1000;
  const place = await findPlace(options);
  const { view, local } = await findBranch(place, given);
  const commit = local ?? view.head;
  return waitFor(place, { number: view.number, commit, goal, deadline, json: options.json === true });
}

interface Wanted {
  number: number;
  commit: string;
  goal: 'settled' | 'landed';
  /** By the clock of this machine. */
  deadline: number;
}

interface Watch extends Wanted {
  place: Place;
}

/** Waits, shows what happens meanwhile, and says how it ended. */
export async function waitFor(place: Place, wanted: Wanted & { json: boolean }): Promise<ExitStatus> {
  const { commit, goal, json } = wanted;
  const progress = new Progress(stderr);
  let answer: WaitView;
  try {
    answer = await waitForEnd({ place, ...wanted }, (status) => progress.show(status));
  } finally {
    progress.end();
  }
  return conclude(answer, { place, commit, goal, json });
}

async function waitForEnd(watch: Watch, show: (status: BranchStatusView) => void): Promise<WaitView> {
  let deadline = watch.deadline;
  let last: WaitView | undefined;
  for (;;) {
    const seconds = Math.min(requestSeconds, Math.max(0, (deadline - Date.now()) / 1000));
    last = await askAgain(watch, { seen: last?.seen, seconds });
    if (last.outcome === 'settled') show(last.status);
    if (last.outcome === 'settled' || last.outcome === 'moved') return last;
    if (last.outcome === 'not_pushed' && deadline === watch.deadline) {
      stderr.line(
        `ph: ${shortOid(watch.commit)} is not on the forge yet; its head is ${shortOid(last.status.branch.head)}.`,
      );
      deadline = Math.min(deadline, Date.now() + notPushedSeconds * 1000);
    }
    if (last.outcome === 'waiting') {
      deadline = watch.deadline;
      show(last.status);
      const { status } = last;
      const isOver = hasLeft(status.landing, watch.commit) || waitsRed(status);
      if (watch.goal === 'landed' && isOver) return last;
    }
    if (Date.now() >= deadline) return last;
  }
}

// A forge that restarts is no answer to the question; one that never answered is.
async function askAgain(
  watch: Watch,
  request: { seen: string | undefined; seconds: number },
): Promise<WaitView> {
  const giveUpAt = Math.min(watch.deadline, Date.now() + awayMs);
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 8000)) {
    try {
      return await watch.place.client.get(`${branchRoute(watch.place, watch.number)}/wait`, {
        answer: waitView,
        query: {
          commit: watch.commit,
          for: watch.goal,
          timeout: Math.round(request.seconds * 10) / 10,
          seen: request.seen,
        },
        extraMs: request.seconds * 1000,
      });
    } catch (error) {
      const isAway = error instanceof Failure && error.status === exitStatus.unreachable;
      if (!isAway || request.seen === undefined || Date.now() + waitMs > giveUpAt) throw error;
      await pause(waitMs);
    }
  }
}

async function conclude(
  { outcome, status }: WaitView,
  { place, commit, goal, json }: { place: Place; commit: string; goal: Watch['goal']; json: boolean },
): Promise<ExitStatus> {
  const here = shortOid(commit);
  const there = shortOid(status.branch.head);
  const { run } = status;
  const isStuck = goal === 'landed' && outcome === 'waiting' && waitsRed(status);
  const isRed = run?.state === 'failed' && (outcome === 'settled' || isStuck);
  const tests = isRed ? await readFailingTests(place, run.number) : [];
  const print = (result: string, sentence: string, exit: ExitStatus): ExitStatus => {
    if (json) printJson({ result, commit, ...status, ...(isRed && { tests }) });
    else stdout.line([sentence, ...describeAll(tests)].join('\n'));
    return exit;
  };
  if (outcome === 'moved') {
    return print(
      'moved',
      `moved: the branch went on from ${here} to ${there}. Next: git pull`,
      exitStatus.moved,
    );
  }
  if (outcome === 'not_pushed') {
    const sentence = `not pushed: ${here} is here and ${there} is on the forge. Next: git push`;
    return print('not_pushed', sentence, exitStatus.moved);
  }
  if (goal === 'landed' && outcome === 'waiting' && hasLeft(status.landing, commit)) {
    const { state, ended } = status.landing;
    const lane = ended?.url ? ` See ${ended.url}` : '';
    return print(state, `${describeLanding(status.landing)}${lane}`, exitStatus.no);
  }
  if (isStuck) {
    const red = `${stdout.paint('red', 'red')}: ${failingNames(status)} failed at ${here}.`;
    const sentence = `${red} It stays in the landing queue and lands when it is green. Next: ph logs --failed`;
    return print('red', sentence, exitStatus.no);
  }
  if (outcome === 'waiting') {
    const { landing } = status;
    const isQueued = goal === 'landed' && landing !== null && landing.ended === null;
    const doing = isQueued
      ? `It stays in the landing queue. ${describeLanding(landing)}`
      : // The same files passed before: nothing holds the branch while its lanes run once more.
        status.gate.holds.map((hold) => cleanLine(hold.message)).join(' ') || 'Its gate is open.';
    return print('timed_out', `timed out at ${here}. ${doing}`.trim(), exitStatus.timedOut);
  }
  const isGood = goal === 'landed' ? status.branch.state === 'merged' : isGreen(status);
  return print(
    isGood ? 'green' : 'red',
    describeEnd(status, isGood),
    isGood ? exitStatus.done : exitStatus.no,
  );
}

const describeAll = (tests: readonly LaneTestsView[]): string[] =>
  tests.flatMap((lane) => [
    '',
    `${stdout.paint('bold', cleanLine(lane.lane))}: ${describeTests(lane, stdout).join('\n')}`,
  ]);

function describeEnd(status: BranchStatusView, isGood: boolean): string {
  const { branch, run } = status;
  const head = shortOid(branch.head);
  if (branch.state === 'merged') return `merged: ${head} is on ${cleanLine(branch.target)}`;
  if (branch.state === 'closed') return `closed: ${cleanLine(branch.name)} #${branch.number} was not merged`;
  const next = nextCommand(status);
  const holds = status.gate.holds.map((hold) => cleanLine(`${hold.message} ${hold.wayOut}`)).join(' ');
  const then = next === undefined ? ` ${holds}`.trimEnd() : ` Next: ${next}`;
  if (isGood) return `${stdout.paint('green', 'green')}: ${head} passed.${then}`;
  if (run?.problem) return `${stdout.paint('red', 'red')}: ${cleanLine(run.problem)}`;
  const failing = failingNames(status);
  const what = failing === '' ? holds : `${failing} failed at ${head}.${then}`;
  return `${stdout.paint('red', 'red')}: ${what}`;
}

function goalOf(text: string): Watch['goal'] {
  if (text === 'ci') return 'settled';
  if (text === 'landed') return 'landed';
  throw wrongUse(`"${text}" is nothing to wait for; write --for ci or --for landed`);
}

/** `90`, `90s`, `10m`, `2h` in seconds. */
export function parseSeconds(text: string): number {
  const [, digits = '', unit = 's'] = /^(\d+(?:\.\d+)?)([smh]?)$/.exec(text) ?? [];
  const factor = { s: 1, m: 60, h: 3600 }[unit || 's'];
  if (digits === '' || factor === undefined) {
    throw wrongUse(`"${text}" is no time; write it like 90s, 10m or 2h`);
  }
  return Number(digits) * factor;
}
