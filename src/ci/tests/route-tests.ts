// Tests as pages and JSON: all of an attempt, all of a repository, and the history of one.
import { Router, type Response } from 'express';
import { z } from 'zod';
import { callerOf } from '../../accounts/guard.ts';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { repoOf } from '../../repos/guard.ts';
import type { Repo } from '../../repos/model.ts';
import { rightOn } from '../../repos/rights.ts';
import { repoUrls } from '../../repos/urls.ts';
import { apiRoute, apiRow } from '../../web/api-route.ts';
import { parse } from '../../web/parse.ts';
import { render } from '../../web/render.ts';
import {
  countsOf,
  historyOf,
  reasonOfFailure,
  resultsOf,
  searchTests,
  totalsOf,
  type History,
} from './find-tests.ts';
import { attemptQuery, laneOfRoute, lanePathOf, runOfRoute, runPathOf } from '../route-run.ts';
import { attemptTestsView, runTestsView, testHistoryView, testListView } from './model.ts';
import { listNamesakes, listTestLanes, testShows, type HistoryEntry } from './test-history-store.ts';
import { laneTestsViewOf, placeHref, runTestsViewOf, testHref } from './tests-view.ts';

const pageNumber = z.coerce.number('expected a number').int().min(1).max(100_000).default(1);
const pageQuery = z.object({ page: pageNumber });
const testsQuery = z.object({
  // A form sends an empty text for all lanes.
  lane: z
    .string()
    .max(200)
    .transform((lane) => lane || undefined)
    .optional(),
  suite: z.string().max(600).optional(),
  name: z.string().max(600).optional(),
  q: z.string().max(200).default(''),
  show: z.enum(testShows).default('all'),
  page: pageNumber,
  before: z.coerce.number('expected a number').int().min(1).optional(),
});
type TestsQuery = z.output<typeof testsQuery>;

const maxNamesakes = 100;

export function testPages(forge: Forge): Router {
  const router = Router();
  router.get('/:owner/:repo/runs/:number/lanes/:lane/tests', (request, response) => {
    const found = laneOfRoute(forge, { request, response });
    const { repo, run, lane, attempt } = found;
    const { page } = parse(pageQuery, request.query);
    const { tests, next } = attemptPage(forge, attempt.id, page);
    render(response, 'ci/attempt_tests.njk', {
      ...found,
      path: runPathOf(repo, run),
      lanePath: lanePathOf(found),
      totals: totalsOf(forge, attempt.id),
      tests: tests.map((test) => ({
        ...test,
        href: testHref(repo, { ...test, lane: lane.key }),
        blob: test.file === null ? undefined : placeHref(repo, run, { file: test.file, line: test.line }),
      })),
      pageNumber: page,
      next,
    });
  });
  router.get('/:owner/:repo/tests', (request, response) => {
    const repo = repoOf(forge, { request, response }, 'read');
    const query = parse(testsQuery, request.query);
    if (query.name === undefined) showList(forge, response, { repo, query });
    else showTest(forge, response, { repo, query, name: query.name });
  });
  return router;
}

function attemptPage(forge: Forge, attemptId: number, page: number) {
  const limit = forge.config.limits.maxRowsPerPage;
  const tests = resultsOf(forge, { attemptId, limit: limit + 1, offset: (page - 1) * limit });
  return { tests: tests.slice(0, limit), next: tests.length > limit ? page + 1 : undefined };
}

function listPage(forge: Forge, repo: Repo, query: TestsQuery) {
  const limit = forge.config.limits.maxRowsPerPage;
  const tests = searchTests(forge, {
    repoId: repo.id,
    laneKey: query.lane ?? null,
    text: query.q,
    show: query.show,
    limit: limit + 1,
    offset: (query.page - 1) * limit,
  });
  return { tests: tests.slice(0, limit), next: tests.length > limit ? query.page + 1 : undefined };
}

function showList(
  forge: Forge,
  response: Response,
  { repo, query }: { repo: Repo; query: TestsQuery },
): void {
  const { tests, next } = listPage(forge, repo, query);
  render(response, 'ci/tests.njk', {
    repo,
    right: rightOn(forge, callerOf(response), repo),
    query,
    counts: countsOf(forge, repo.id),
    lanes: listTestLanes(forge.db, repo.id),
    tests: tests.map((test) => ({ ...test, href: testHref(repo, { ...test, lane: test.laneKey }) })),
    next,
  });
}

interface TestQuestion {
  repo: Repo;
  query: TestsQuery;
  name: string;
}

function showTest(forge: Forge, response: Response, question: TestQuestion): void {
  const { repo, query } = question;
  const namesakes = namesakesOf(forge, question);
  const [only] = namesakes;
  if (namesakes.length > 1 || only === undefined) {
    const right = rightOn(forge, callerOf(response), repo);
    const choices = namesakes.map((test) => ({
      ...test,
      href: testHref(repo, { ...test, lane: test.laneKey }),
    }));
    render(response, 'ci/which_test.njk', { repo, right, query, choices });
    return;
  }
  const history = historyOf(forge, only, { before: query.before, limit: forge.config.limits.maxRowsPerPage });
  if (history === undefined) throw new ForgeError('not_found', `There is no test "${question.name}" here.`);
  const { test, entries, next } = history;
  render(response, 'ci/test.njk', {
    repo,
    right: rightOn(forge, callerOf(response), repo),
    test,
    bars: barsOf(entries),
    rows: rowsOf(forge, repo, history),
    href: testHref(repo, { ...test, lane: test.laneKey }),
    isFirst: query.before === undefined,
    next,
  });
}

/** Refuses (`not_found`) a name that no test of the repository has. */
function namesakesOf(forge: Forge, { repo, query, name }: TestQuestion) {
  const { lane: laneKey = null, suite = null } = query;
  const found = listNamesakes(forge.db, { repoId: repo.id, laneKey, suite, name, limit: maxNamesakes });
  if (found.length > 0) return found;
  const where = laneKey === null ? '' : ` in the lane ${laneKey}`;
  throw new ForgeError('not_found', `No test "${name}" ran${where}; its results may have been let go.`);
}

/** One bar for each result, oldest first, as high as it took long. */
function barsOf(entries: readonly HistoryEntry[]) {
  const longest = Math.max(1, ...entries.map(({ durationMs }) => durationMs ?? 0));
  const width = 100 / Math.max(20, entries.length);
  return [...entries].reverse().map(({ state, durationMs, run, attempt }, place) => {
    const height = 12 + (88 * (durationMs ?? 0)) / longest;
    return { state, run, attempt, durationMs, x: place * width, y: 100 - height, height, width: width * 0.8 };
  });
}

function rowsOf(forge: Forge, repo: Repo, { test, entries }: History) {
  const trees = new Map<string, Set<boolean>>();
  for (const { treeOid, state } of entries) {
    if (state === 'skipped') continue;
    const seen = trees.get(treeOid) ?? new Set<boolean>();
    trees.set(treeOid, seen.add(state === 'passed'));
  }
  return entries.map((entry) => {
    const hasFailed = entry.state === 'failed' || entry.state === 'error';
    const why = hasFailed ? reasonOfFailure(forge, test, entry.attemptId) : undefined;
    return {
      ...entry,
      message: why?.message,
      place: why?.file ? `${why.file}${why.line === null ? '' : `:${why.line}`}` : undefined,
      href: `/${repo.owner}/${repo.name}/runs/${entry.run}/lanes/${encodeURIComponent(test.laneKey)}?attempt=${entry.attempt}`,
      /** Another result with the same files says the opposite. */
      isContradicted: entry.state !== 'skipped' && trees.get(entry.treeOid)?.size === 2,
    };
  });
}

const base = '/api/v1/repos/:owner/:repo';

const table = {
  ofRun: apiRow({
    method: 'get',
    path: `${base}/runs/:number/tests`,
    summary: 'List the tests that failed in a run',
    description: 'The newest attempts of all lanes: what failed, and why.',
    right: 'read',
    answer: runTestsView,
  }),
  ofLane: apiRow({
    method: 'get',
    path: `${base}/runs/:number/lanes/:lane/tests`,
    summary: 'List the tests of a lane',
    right: 'read',
    query: attemptQuery.extend(pageQuery.shape),
    answer: attemptTestsView,
  }),
  ofRepo: apiRow({
    method: 'get',
    path: `${base}/tests`,
    summary: 'List the tests of a repository, or the history of one',
    description: 'With `name`, and `lane` and `suite` where several have that name, the history of one test.',
    right: 'read',
    query: testsQuery,
    answer: z.union([testListView, testHistoryView]),
  }),
};

export function testApi(forge: Forge): Router {
  const router = Router();
  apiRoute(router, table.ofRun, (request, response) => {
    const { repo, run } = runOfRoute(forge, { request, response }, 'read');
    response.json(runTestsViewOf(forge, repo, run));
  });
  apiRoute(router, table.ofLane, (request, response, sent) => {
    const found = laneOfRoute(forge, { request, response });
    const view = laneTestsViewOf(forge, found);
    if (view === undefined) {
      throw new ForgeError(
        'not_found',
        `Attempt ${found.attempt.number} of ${found.lane.key} has no test reports.`,
      );
    }
    const { tests, next } = attemptPage(forge, found.attempt.id, sent.query().page);
    const shown = tests.map(({ flakyAt, ...test }) => ({ ...test, flakyAt: timeOf(flakyAt) }));
    response.json({ ...view, tests: shown, nextPage: next ?? null });
  });
  apiRoute(router, table.ofRepo, (request, response, sent) => {
    const repo = repoOf(forge, { request, response }, 'read');
    answerTests(forge, response, { repo, query: sent.query() });
  });
  return router;
}

function answerTests(
  forge: Forge,
  response: Response<z.input<typeof table.ofRepo.answer>>,
  { repo, query }: { repo: Repo; query: TestsQuery },
): void {
  const { origin } = new URL(repoUrls(forge, repo).page);
  if (query.name === undefined) {
    const { tests, next } = listPage(forge, repo, query);
    response.json({
      tests: tests.map(({ laneKey: lane, suite, name, lastState, lastMs, flakyAt }) => ({
        lane,
        suite,
        name,
        state: lastState,
        durationMs: lastMs,
        flakyAt: timeOf(flakyAt),
        url: origin + testHref(repo, { lane, suite, name }),
      })),
      nextPage: next ?? null,
    });
    return;
  }
  const namesakes = namesakesOf(forge, { repo, query, name: query.name });
  const [only] = namesakes;
  const history =
    only && historyOf(forge, only, { before: query.before, limit: forge.config.limits.maxRowsPerPage });
  if (history === undefined || namesakes.length > 1) {
    const lanes = namesakes.map(({ laneKey, suite }) => `${laneKey}: ${suite || '(no suite)'}`).join('; ');
    throw new ForgeError(
      'invalid',
      `There are ${namesakes.length} tests of that name; give lane and suite: ${lanes}.`,
    );
  }
  const { test, next } = history;
  response.json({
    lane: test.laneKey,
    suite: test.suite,
    name: test.name,
    flakyAt: timeOf(test.flakyAt),
    results: rowsOf(forge, repo, history).map((row) => ({
      run: row.run,
      attempt: row.attempt,
      state: row.state,
      durationMs: row.durationMs,
      commit: row.headOid,
      tree: row.treeOid,
      branch: row.branchName,
      message: row.message ?? null,
      at: new Date(row.at).toISOString(),
      contradicted: row.isContradicted,
      url: origin + row.href,
    })),
    next: next ?? null,
  });
}

const timeOf = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
