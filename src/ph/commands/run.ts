// Runs lanes here, on the working tree: chosen by the same code as on the forge, in the order of their needs, with the
// environment and the limits that they have there. Nothing is pushed, and no forge is asked.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaneSpec } from '../../ci/manifest/manifest.ts';
import { satisfiesGate, type AttemptState, type FailureKind, type SkipCause } from '../../ci/model.ts';
import { removeTree } from '../../lib/remove-tree.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { readTests, type TestSummary } from '../lane-tests.ts';
import { planHere, type LocalPlan } from '../local-plan.ts';
import { cleanLine, elapsed, printJson, printTable, stderr, stdout } from '../output.ts';
import { canCutNetwork, runLane } from '../run-lane.ts';
import { colourOf, shortOid } from '../verdict.ts';
import { readWorkingTree, type WorkingTree } from '../working-tree.ts';

// As on a forge whose configuration says nothing else.
const graceSeconds = 10;

export interface RunOptions {
  json?: boolean;
  all?: boolean;
  list?: boolean;
  target?: string;
  needs?: boolean;
  ownEnv?: boolean;
}

interface LaneOutcome {
  id: string;
  title: string;
  required: boolean;
  state: Extract<AttemptState, 'success' | 'failed' | 'cancelled' | 'skipped'>;
  failureKind: FailureKind | null;
  skipCause: SkipCause | null;
  exitCode: number | null;
  message: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  tests: TestSummary | null;
}

interface Bench {
  tree: WorkingTree;
  plan: LocalPlan;
  options: RunOptions;
  /** A fresh home and temporary folder for every lane are made in it. */
  scratch: string;
  interrupted: AbortSignal;
  hurried: AbortSignal;
  outcomes: LaneOutcome[];
}

export async function run(names: string[], options: RunOptions): Promise<ExitStatus> {
  const tree = readWorkingTree(options.target);
  const wishes = { names, all: options.all === true, withNeeds: options.needs !== false };
  const plan = planHere(tree, wishes);
  stderr.line(stderr.paint('dim', comparedWith(tree, plan)));
  if (options.list) return listPlan(plan, options);
  const [interruption, hurry] = [new AbortController(), new AbortController()];
  // Ctrl-C asks the lane to end; once more does not wait for it.
  const interrupt = (): void => (interruption.signal.aborted ? hurry : interruption).abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  const scratch = mkdtempSync(join(tmpdir(), 'ph-run-'));
  const signals = { interrupted: interruption.signal, hurried: hurry.signal };
  const bench = { tree, plan, options, scratch, ...signals, outcomes: [] };
  try {
    for (const lane of plan.lanes) await runOrSkip(bench, lane);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
    await removeTree(scratch);
  }
  return answer(bench);
}

function comparedWith({ target }: WorkingTree, { changed, named }: LocalPlan): string {
  if (named.size > 0) return 'the lanes you named, on the working tree';
  if (target?.base === undefined || changed === undefined) {
    return 'nothing to compare with: every lane runs (name the target with --target BRANCH)';
  }
  if (changed === 0) return `nothing differs from ${cleanLine(target.name)}: every lane runs`;
  const paths = `${changed} path${changed === 1 ? '' : 's'}`;
  return `${paths} changed since ${shortOid(target.base)}, where this leaves ${cleanLine(target.name)}`;
}

function listPlan({ lanes, chosen }: LocalPlan, { json }: RunOptions): ExitStatus {
  const shown = lanes.map(({ key: id, title, required, paths }) => {
    const runs = chosen.has(id);
    return { id, title, required, runs, message: runs ? null : untouched(paths) };
  });
  if (json) printJson({ lanes: shown });
  else printTable(shown.map(({ id, runs, message }) => [id, runs ? 'runs' : 'skipped', message ?? '']));
  return exitStatus.done;
}

const untouched = (paths: string[] = []): string => `no change touches ${paths.map(cleanLine).join(', ')}`;

async function runOrSkip(bench: Bench, lane: LaneSpec): Promise<void> {
  const skipped = skipOf(bench, lane);
  const outcome = skipped ?? (await runHere(bench, lane));
  bench.outcomes.push(outcome);
  const { state, startedAt, finishedAt, message, tests } = outcome;
  if (skipped?.skipCause === 'path_filter') return;
  const counted = tests === null ? '' : countTests(tests);
  const details = [elapsed(startedAt, finishedAt), message ?? '', counted].filter((part) => part !== '');
  stderr.line(
    `${stderr.paint('bold', `<== ${lane.key}`)} ${stderr.paint(colourOf(state), state)} ${details.join(' · ')}`,
  );
}

function skipOf({ plan, outcomes, interrupted }: Bench, lane: LaneSpec): LaneOutcome | undefined {
  const skipped = { ...blank(lane), state: 'skipped' as const };
  if (!plan.chosen.has(lane.key)) {
    return { ...skipped, skipCause: 'path_filter', message: untouched(lane.paths) };
  }
  const unmet = outcomes.find(({ id, ...end }) => {
    const attempt = { state: end.state, skipCause: end.skipCause ?? undefined };
    return lane.needs.includes(id) && !satisfiesGate(attempt);
  });
  if (unmet !== undefined) {
    const message = `needs ${unmet.id}, which did not succeed`;
    return { ...skipped, skipCause: 'dependency_failed', message };
  }
  if (!interrupted.aborted) return undefined;
  return { ...blank(lane), state: 'cancelled', failureKind: 'cancelled', message: 'interrupted' };
}

const blank = ({ key: id, title, required }: LaneSpec): LaneOutcome => ({
  id,
  title,
  required,
  state: 'success',
  failureKind: null,
  skipCause: null,
  exitCode: null,
  message: null,
  startedAt: null,
  finishedAt: null,
  tests: null,
});

async function runHere(bench: Bench, lane: LaneSpec): Promise<LaneOutcome> {
  const { tree, options, interrupted, hurried } = bench;
  const title = lane.title === lane.key ? '' : ` ${cleanLine(lane.title)}`;
  stderr.line(`${stderr.paint('bold', `==> ${lane.key}`)}${title}`);
  const network = lane.extras.network || !canCutNetwork();
  if (network && !lane.extras.network) {
    stderr.line('    it has no network on the forge; here it has, as bubblewrap does not work');
  }
  const startedAt = Date.now();
  const end = await runLane({
    command: lane.command,
    env: environmentOf(bench, lane),
    folder: tree.top,
    timeoutSeconds: lane.timeoutSeconds,
    idleSeconds: lane.idleSeconds,
    graceSeconds,
    network,
    output: options.json ? process.stderr : process.stdout,
    interrupted,
    hurried,
  });
  const { reports } = lane.extras;
  return {
    ...blank(lane),
    ...end,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date().toISOString(),
    tests: reports.length === 0 ? null : readTests(tree.top, reports, startedAt),
  };
}

/** What the lane finds on the forge, and nothing more unless `--own-env` asks for it. Secrets come from the person's own. */
function environmentOf({ tree, options, scratch }: Bench, lane: LaneSpec): Record<string, string> {
  const [home, temporary] = [join(scratch, lane.key, 'home'), join(scratch, lane.key, 'tmp')];
  for (const folder of [home, temporary]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { branch, head, target, name } = tree;
  return {
    ...(options.ownEnv ? given() : { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' }),
    LANG: 'C.UTF-8',
    ...lane.env,
    CI: 'true',
    PIKA_REPO: name,
    PIKA_BRANCH: branch ?? '',
    PIKA_COMMIT: head ?? '',
    PIKA_TARGET: target?.name ?? '',
    PIKA_MERGE_BASE: target?.base ?? '',
    PIKA_RUN: 'local',
    PIKA_LANE: lane.key,
    PIKA_ATTEMPT: '1',
    PIKA_URL: '',
    ...secretsOf(lane),
    ...(options.ownEnv ? {} : { HOME: home, TMPDIR: temporary }),
  };
}

const given = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );

function secretsOf({ key, extras }: LaneSpec): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of new Set([...extras.secrets, ...(extras.refusedSecrets ?? [])])) {
    const value = process.env[name];
    if (value !== undefined) found[name] = value;
    else
      stderr.line(
        `    ${key} has a secret ${name} on the forge; set it in your environment if it needs it here`,
      );
  }
  return found;
}

const countTests = ({ passed, failed, skipped }: TestSummary): string =>
  [`${passed} passed`, failed > 0 ? `${failed} failed` : '', skipped > 0 ? `${skipped} skipped` : '']
    .filter((part) => part !== '')
    .join(', ');

function answer({ tree, plan, options, outcomes, interrupted }: Bench): ExitStatus {
  const unmet = outcomes.filter(
    ({ id, required, state, skipCause }) =>
      (required || plan.named.has(id)) && !satisfiesGate({ state, skipCause: skipCause ?? undefined }),
  );
  const state = interrupted.aborted ? 'cancelled' : unmet.length > 0 ? 'failed' : 'success';
  if (options.json) {
    const { target, head } = tree;
    printJson({
      state,
      head: head ?? null,
      target: target?.name ?? null,
      base: target?.base ?? null,
      lanes: outcomes,
    });
  } else {
    for (const { tests } of outcomes) if (tests !== null) printFailing(tests);
    if (outcomes.length > 1) printTable(outcomes.map(rowOf));
    stdout.line(stdout.paint(colourOf(state), state));
  }
  return state === 'success' ? exitStatus.done : exitStatus.no;
}

function printFailing({ failing, problems }: TestSummary): void {
  for (const { suite, name, message, file, line } of failing) {
    const place = file === null ? '' : `${cleanLine(file)}${line === null ? '' : `:${line}`}  `;
    const title = suite === '' || suite === file ? name : `${suite} › ${name}`;
    const why = message === null ? '' : `: ${cleanLine(message.split('\n', 1)[0] ?? '')}`;
    stdout.line(`${stdout.paint('red', 'failed')} ${place}${cleanLine(title)}${why}`);
  }
  for (const problem of problems) stdout.line(`${stdout.paint('yellow', 'report')} ${cleanLine(problem)}`);
}

const rowOf = ({ id, state, startedAt, finishedAt, message, tests }: LaneOutcome): string[] => [
  id,
  state,
  elapsed(startedAt, finishedAt),
  [message ?? '', tests === null ? '' : countTests(tests)].filter((part) => part !== '').join(' · '),
];
