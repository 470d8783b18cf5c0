// Failing tests as pages show them: before the log, with their place in the repository and how they did before.
import type { Forge } from '../../forge/open.ts';
import { encodePath, pathOfText } from '../../git/git-path.ts';
import type { Repo } from '../../repos/model.ts';
import { repoUrls } from '../../repos/urls.ts';
import { failuresOf, flakyOf, historyOf, totalsOf } from './find-tests.ts';
import { listLanes } from '../find.ts';
import { hasEnded, type Attempt, type Lane, type Run } from '../model.ts';
import type { ShownLane, ShownRun } from '../shown-run.ts';
import type { HistoryEntry } from './test-history-store.ts';
import type { TestResult, TestTotals } from './test-store.ts';
import type { LaneTestsView, RunTestsView } from './model.ts';

const shownOnLane = 25;
const shownOnRun = 12;
const openFailures = 3;
const comparedResults = 60;
const shownResults = 20;
const shownFlaky = 5;
const apiFailures = 100;
const maxLinks = 40;

type Named = { lane: string; suite: string; name: string };

/** The page of a test's history. */
export const testHref = (repo: Repo, { lane, suite, name }: Named): string =>
  `/${repo.owner}/${repo.name}/tests?${new URLSearchParams({ lane, suite, name }).toString()}`;

export interface ShownFailure extends TestResult {
  /** `file:line`, and where it leads to. */
  place: string | undefined;
  href: string | undefined;
  history: string;
  isOpen: boolean;
  /** Its output, with the mentions of its place as links. */
  text: { text: string; href?: string }[];
  /** Newest last: on this branch, and on all others. */
  here: RecentResults;
  elsewhere: RecentResults;
  /** What these say, in words. */
  summary: string;
}

export interface RecentResults {
  states: HistoryEntry['state'][];
  failed: number;
}

export interface ShownTests {
  lane: Lane;
  attempt: Attempt;
  totals: TestTotals;
  count: number;
  failing: number;
  failures: ShownFailure[];
  more: number;
  problems: { path: string; problem: string }[];
  /** Passed this time, and are known to fail now and then. */
  flaky: { suite: string; name: string; href: string; flakyAt: number }[];
  /** The page of all tests of the attempt. */
  all: string;
}

/** What the reports of the shown attempt told; undefined without reports. */
export function laneTests(
  forge: Forge,
  shown: ShownLane,
): { groups: ShownTests[]; isLane: true } | undefined {
  const { lane, attempt } = shown;
  const group = groupOf(forge, shown, { lane, attempt, limit: shownOnLane, open: openFailures });
  return group === undefined ? undefined : { groups: [group], isLane: true };
}

/** The lanes of a run whose newest attempts have failing tests, or reports that cannot be read. */
export function runTests(forge: Forge, shown: ShownRun): { groups: ShownTests[]; isLane: false } | undefined {
  let room = shownOnRun;
  const groups = shown.lanes.flatMap((lane) => {
    if (!hasEnded(lane.attempt.state)) return [];
    const order = {
      lane,
      attempt: lane.attempt,
      limit: Math.max(1, room),
      open: room === shownOnRun ? 1 : 0,
    };
    const group = groupOf(forge, shown, order);
    if (group === undefined || (group.failing === 0 && group.problems.length === 0)) return [];
    room -= group.failures.length;
    return [group];
  });
  return groups.length === 0 ? undefined : { groups, isLane: false };
}

interface GroupOrder {
  lane: Lane;
  attempt: Attempt;
  limit: number;
  /** How many failures show their output at once. */
  open: number;
}

function groupOf(forge: Forge, shown: ShownRun, order: GroupOrder): ShownTests | undefined {
  const { lane, attempt } = order;
  const totals = totalsOf(forge, attempt.id);
  if (totals === undefined) return undefined;
  const failing = totals.failed + totals.errors;
  const failures = failing === 0 ? [] : failuresOf(forge, attempt.id, order.limit);
  const path = `${shown.path}/lanes/${encodeURIComponent(lane.key)}/tests`;
  return {
    lane,
    attempt,
    totals,
    count: failing + totals.passed + totals.skipped,
    failing,
    failures: failures.map((test, place) =>
      shownFailure(forge, shown, { lane, test, isOpen: place < order.open }),
    ),
    more: failing - failures.length,
    problems: totals.reports.flatMap(({ path, problem }) =>
      problem === undefined ? [] : [{ path, problem }],
    ),
    flaky:
      failing > 0
        ? []
        : flakyOf(forge, attempt.id, shownFlaky).map((test) => ({
            ...test,
            href: testHref(shown.repo, { ...test, lane: lane.key }),
          })),
    all: `${path}?attempt=${attempt.number}`,
  };
}

function shownFailure(
  forge: Forge,
  { repo, run }: ShownRun,
  { lane, test, isOpen }: { lane: Lane; test: TestResult; isOpen: boolean },
): ShownFailure {
  const { suite, name, file, line } = test;
  const place = file === null ? undefined : `${file}${line === null ? '' : `:${line}`}`;
  const href = file === null ? undefined : placeHref(repo, run, { file, line });
  const wanted = { repoId: repo.id, laneKey: lane.key, suite, name };
  const entries = historyOf(forge, wanted, { limit: comparedResults })?.entries ?? [];
  const isHere = ({ branchId }: HistoryEntry) => branchId === (run.branchId ?? null);
  const here = recent(entries.filter(isHere));
  const elsewhere = recent(entries.filter((entry) => !isHere(entry)));
  return {
    ...test,
    place,
    href,
    history: testHref(repo, { lane: lane.key, suite, name }),
    isOpen,
    text: linked(textOf(test), { file, line, href }),
    here,
    elsewhere,
    summary: summaryOf({ here, elsewhere }),
  };
}

/** The address of a line of the commit that a run is about. */
export function placeHref(repo: Repo, run: Run, place: { file: string; line: number | null }): string {
  const blob = `/${repo.owner}/${repo.name}/blob/${run.headOid}/${encodePath(pathOfText(place.file))}`;
  return place.line === null ? blob : `${blob}#L${place.line}`;
}

/** Most runners begin the output with the message. */
function textOf({ message, output }: TestResult): string {
  if (output === null) return message ?? '';
  return message === null || output.includes(message) ? output : `${message}\n\n${output}`;
}

function linked(
  text: string,
  { file, line, href }: { file: string | null; line: number | null; href: string | undefined },
): ShownFailure['text'] {
  if (file === null || line === null || href === undefined) return [{ text }];
  const mentions = [`${file}:${line}`, `${file}", line ${line}`];
  const parts: ShownFailure['text'] = [];
  let from = 0;
  for (;;) {
    const found = mentions
      .map((mention) => ({ mention, at: text.indexOf(mention, from) }))
      .filter(({ at }) => at >= 0)
      .toSorted((left, right) => left.at - right.at)[0];
    if (found === undefined || parts.length > maxLinks) break;
    const end = found.at + found.mention.length;
    // The number must end there: line 12 is not mentioned by line 120.
    const isWhole = !/\d/.test(text[end] ?? '');
    parts.push({ text: text.slice(from, found.at) }, { text: found.mention, ...(isWhole && { href }) });
    from = end;
  }
  return [...parts, { text: text.slice(from) }];
}

function recent(entries: readonly HistoryEntry[]): RecentResults {
  const states = entries.slice(0, shownResults).map(({ state }) => state);
  const failed = states.filter((state) => state === 'failed' || state === 'error').length;
  return { states: states.reverse(), failed };
}

function summaryOf({ here, elsewhere }: Record<'here' | 'elsewhere', RecentResults>): string {
  const times = here.states.length;
  const first = times <= 1 ? 'first result here' : `failed ${here.failed} of ${times} here`;
  const others = elsewhere.states.length;
  if (others === 0) return `${first}, none elsewhere`;
  return elsewhere.failed === 0
    ? `${first}, never in ${others} elsewhere`
    : `${first}, ${elsewhere.failed} of ${others} elsewhere`;
}

/** The tests of an attempt as JSON; undefined when it has no reports. */
export function laneTestsViewOf(
  forge: Forge,
  { repo, run, lane, attempt }: { repo: Repo; run: Run; lane: Lane; attempt: Attempt },
): LaneTestsView | undefined {
  const totals = totalsOf(forge, attempt.id);
  if (totals === undefined) return undefined;
  const { passed, failed, errors, skipped, reports } = totals;
  const { origin } = new URL(repoUrls(forge, repo).page);
  return {
    lane: lane.key,
    attempt: attempt.number,
    passed,
    failed,
    errors,
    skipped,
    reports: reports.map((report) => ({ ...report, problem: report.problem ?? null })),
    failures: failuresOf(forge, attempt.id, apiFailures).map(({ flakyAt, ...test }) => ({
      ...test,
      flakyAt: flakyAt === null ? null : new Date(flakyAt).toISOString(),
      url: origin + testHref(repo, { lane: lane.key, suite: test.suite, name: test.name }),
    })),
    url: `${repoUrls(forge, repo).page}/runs/${run.number}/lanes/${encodeURIComponent(lane.key)}/tests?attempt=${attempt.number}`,
  };
}

export const runTestsViewOf = (forge: Forge, repo: Repo, run: Run): RunTestsView => ({
  run: run.number,
  lanes: listLanes(forge, run.id).flatMap(
    (lane) => laneTestsViewOf(forge, { repo, run, lane, attempt: lane.attempt }) ?? [],
  ),
});
