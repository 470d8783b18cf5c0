// Where every page of the forge is, on the forge of test/support/rich-forge.ts: each route that answers with a page has
// at least one address here, and each that answers with something else is named at the end.
import { mountedRoutes } from '../../src/web/api-route.ts';
import type { RichForge } from '../support/rich-forge.ts';

const repo = '/ada/app';
const branch = (number: number, query = ''): string => `${repo}/branches/${number}${query}`;
const tabs = ['tutorial', 'changes', 'commits', 'discussion', 'ci'];

/** The name of a picture → the address of a page; of every page that this forge has. */
export function pagesOf(rich: RichForge): Map<string, string> {
  const mounted = new Set(mountedRoutes(rich.served.server).map(({ path }) => nameOf(path)));
  const here = Object.entries(addresses(rich)).filter(([route]) => mounted.has(route));
  return new Map(here.flatMap(([, pages]) => Object.entries(pages)));
}

/** A route as it is mounted → the names of pictures → addresses. */
const addresses = (rich: RichForge): Record<string, Record<string, string>> => ({
  '/': { home: '/' },
  '/help': { help: '/help' },
  '/help/api': { 'help-api': '/help/api' },
  '/help/:topic': Object.fromEntries(
    ['push', 'lanes', 'landing', 'review', 'ph', 'keys', 'keyboard', 'operating'].map((topic) => [
      `help-${topic}`,
      `/help/${topic}`,
    ]),
  ),
  '/login': { login: '/login' },
  '/login/approve': { approve: '/login/approve' },
  '/join/:secret': { join: `/join/${rich.invitation}` },
  '/account': { account: '/account' },
  '/account/mail': { 'account-mail': '/account/mail' },
  '/inbox': { inbox: '/inbox' },
  '/admin': { admin: '/admin' },
  '/admin/audit': { audit: '/admin/audit' },
  '/admin/health': { health: '/admin/health' },
  '/admin/backups': { backups: '/admin/backups' },
  '/admin/retention': { retention: '/admin/retention' },
  '/admin/people': { people: '/admin/people' },
  '/admin/people/agents/:name': { agent: '/admin/people/agents/robot' },
  '/:owner/:repo': {
    repository: repo,
    'repository-merged': `${repo}?state=merged`,
    'repository-nothing': `${repo}?state=closed&author=nobody&before=1`,
    'not-found': '/ada/nowhere',
  },
  '/:owner/:repo/nightlies': { nightlies: `${repo}/nightlies` },
  '/:owner/:repo/runs/:number': { run: `${repo}/runs/1` },
  '/:owner/:repo/runs/:number/lanes/:lane': { lane: `${repo}/runs/1/lanes/unit` },
  '/:owner/:repo/runs/:number/lanes/:lane/tests': { 'lane-tests': `${repo}/runs/1/lanes/unit/tests` },
  '/:owner/:repo/tests': { tests: `${repo}/tests` },
  '/:owner/:repo/lfs': { lfs: `${repo}/lfs` },
  '/:owner/:repo/refs': { refs: `${repo}/refs` },
  '/:owner/:repo/policy': { policy: `${repo}/policy` },
  '/:owner/:repo/landings': { landings: `${repo}/landings` },
  '/:owner/:repo/commit/:oid': { commit: `${repo}/commit/${rich.head}` },
  '/:owner/:repo/tree': { files: `${repo}/tree/main/`, 'files-deep': `${repo}/tree/main/src` },
  '/:owner/:repo/blob': {
    file: `${repo}/blob/main/src/clock.ts`,
    readme: `${repo}/blob/main/README.md`,
    picture: `${repo}/blob/main/face.gif`,
  },
  '/:owner/:repo/blame': { blame: `${repo}/blame/main/src/clock.ts` },
  '/:owner/:repo/commits': { commits: `${repo}/commits/main/` },
  '/:owner/:repo/compare': { compare: `${repo}/compare/main...strike-at-noon` },
  '/:owner/:repo/search': { search: `${repo}/search/main?q=hour` },
  '/:owner/:repo/branches/:number': {
    ...Object.fromEntries(tabs.map((tab) => [`branch-${tab}`, branch(1, `?tab=${tab}`)])),
    'branch-side-by-side': branch(1, '?tab=changes&view=split'),
    'branch-comment': branch(1, '?tab=changes&view=unified&comment=src/clock.ts:new:3'),
    'branch-conflict': branch(2),
    'branch-merged': branch(3),
    'branch-queued': branch(4),
    'branch-closed': branch(5),
  },
  '/:owner/:repo/branches/:number/conflicts': { conflicts: branch(2, '/conflicts') },
  '/:owner/:repo/branches/:number/merge': { merge: branch(4, '/merge') },
  '/:owner/:repo/settings': { settings: `${repo}/settings` },
  '/:owner/:repo/settings/retention': { 'repo-retention': `${repo}/settings/retention` },
  '/:owner/:repo/settings/members': { members: `${repo}/settings/members` },
  '/:owner/:repo/settings/deploy-keys': { 'deploy-keys': `${repo}/settings/deploy-keys` },
  '/:owner/:repo/settings/secrets': { secrets: `${repo}/settings/secrets` },
  '/:owner/:repo/mirrors': { mirrors: `${repo}/mirrors` },
  '/:owner/:repo/mirrors/:mirror': {
    mirror: `${repo}/mirrors/github`,
    'mirror-refs': `${repo}/mirrors/github?refs=all`,
  },
  '/:owner/:repo/settings/mirrors': { 'mirrors-settings': `${repo}/settings/mirrors` },
  '/:owner/:repo/settings/mirrors/:mirror': { 'mirror-settings': `${repo}/settings/mirrors/github` },
  '/new/import': { import: '/new/import' },
  '/:owner/:repo/settings/upstream': { upstream: `${repo}/settings/upstream` },
  '/:owner/:repo/settings/webhooks': { webhooks: `${repo}/settings/webhooks` },
  '/:owner/:repo/settings/webhooks/:id': { webhook: `${repo}/settings/webhooks/${rich.webhook}` },
  '/:owner/:repo/settings/webhooks/:id/deliveries/:delivery': {
    delivery: `${repo}/settings/webhooks/${rich.webhook}/deliveries/${rich.delivery}`,
  },
});

/** Files, streams, parts of pages, ways to another page, and what the tests of signing in look at. */
const noPages = new Set([
  '/favicon.ico',
  '/healthz',
  '/readyz',
  '/metrics',
  '/live',
  '/ph',
  '/ph/ph',
  '/objects/:oid',
  '/locks',
  '/login/second',
  '/login/:secret',
  '/account/mail/stop/:secret',
  '/inbox/review',
  '/:owner/:repo/info/refs',
  '/:owner/:repo/badge.svg',
  '/:owner/:repo/feed.atom',
  '/:owner/:repo/raw',
  '/:owner/:repo/archive',
  '/:owner/:repo/commit/:oid/refs',
  '/:owner/:repo/branches/:number/ci',
  '/:owner/:repo/branches/:number/diff',
  '/:owner/:repo/runs/:number/fragment',
  ...['head', 'failures', 'facts', 'log', 'search', 'first-error', 'raw', 'artifacts'].map(
    (part) => `/:owner/:repo/runs/:number/lanes/:lane/${part}`,
  ),
]);

/** The routes that answer to GET and stand in neither list. */
export function forgottenRoutes(rich: RichForge): string[] {
  const known = addresses(rich);
  const paths = mountedRoutes(rich.served.server)
    .filter(({ method, row }) => method === 'get' && row === undefined)
    .map(({ path }) => nameOf(path));
  return [...new Set(paths)].filter((path) => known[path] === undefined && !noPages.has(path));
}

/** A path that is mounted by an expression is named by what stands before the place that it reads. */
function nameOf(path: string | RegExp): string {
  if (typeof path === 'string') return path.replace(/\/\*\w+$/, '');
  const under = /\(\?<owner>.*\\\/([a-z]+)\(\?:/.exec(path.source)?.[1];
  return under === undefined ? String(path) : `/:owner/:repo/${under}`;
}
