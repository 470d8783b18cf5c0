// Z2: every route that the forge mounts, asked by everybody whom it must tell apart. What a route demands stands in its
// row (the API) or in page-rights.ts (pages, git, Git LFS); a route without either fails here.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TokenScope } from '../../src/accounts/model.ts';
import {
  mountedRoutes,
  scopeOf,
  type ApiRow,
  type ApiScope,
  type MountedRoute,
} from '../../src/web/api-route.ts';
import { sampleOf } from '../support/schema-sample.ts';
import { stageServer, type StagedServer } from '../support/staged-server.ts';
import { pageRights, type Demand } from './page-rights.ts';

const lfs = '/:owner/:repo/info/lfs';
/** Both are about the credential itself, so that one for a single repository may ask too. */
const ofAnyCredential = ['GET /api/v1/whoami', 'DELETE /api/v1/sessions/current'];
/** Routes that write and ask for no account, each for a reason: they are how one comes to a credential. */
const openWrites = [
  // By the link of a mail, which can do nothing else (RFC 8058).
  'POST /account/mail/stop/:secret',
  'POST /login/:secret',
  'POST /logout',
  'POST /join/:secret',
  'POST /api/v1/sessions',
  'POST /api/v1/sessions/nostr',
  'POST /api/v1/sessions/passkey',
  'POST /api/v1/sessions/second-factor',
  'POST /api/v1/sessions/approval',
  'POST /api/v1/sessions/approval/token',
];
/** A picture in a page of somewhere else, where nobody could sign in. */
const neverAsksToSignIn = ['GET /:owner/:repo/badge.svg'];
/** Asked for before who asks is looked at. */
const deafRoutes = ['GET /favicon.ico', 'GET /healthz', 'GET /readyz'];

/** More than three thousand. */
const manyRequests = { timeout: 600_000 };

interface Asked extends Demand {
  name: string;
  method: string;
  path: string;
  row: ApiRow | undefined;
}

interface CallerOfTest {
  name: string;
  /** Undefined: nobody in particular. */
  token: string | undefined;
  right: 'none' | 'read' | 'write' | 'maintain';
  scope: TokenScope;
  isAdmin: boolean;
  isDead: boolean;
  isForOther: boolean;
  /** The name under which it may make repositories. */
  owner: string;
}

let staged: StagedServer;
let callers: CallerOfTest[];

beforeAll(async () => {
  staged = await stageServer();
  const { people, token } = staged;
  const admin = token(people.root);
  callers = [
    caller('anonymous', {}),
    caller('a reader', { token: token(people.reader), right: 'read', scope: 'admin', owner: 'reader' }),
    caller('a writer', { token: token(people.writer), right: 'write', scope: 'admin' }),
    caller('the owner', { token: token(people.ada), right: 'maintain', scope: 'admin' }),
    caller('an admin', { token: admin, right: 'maintain', scope: 'admin', isAdmin: true }),
    caller('a token of the owner that reads', {
      token: token(people.ada, { scope: 'read' }),
      right: 'maintain',
    }),
    caller('a token of the owner that writes', {
      token: token(people.ada, { scope: 'write' }),
      right: 'maintain',
      scope: 'write',
    }),
    caller('an expired token', { token: token(people.root, { expiresAt: 1 }), isDead: true }),
    caller('a revoked token', { token: staged.revoked(people.root), isDead: true }),
    caller('a token of another repository', {
      token: token(people.ada, { repoId: staged.other.id }),
      isForOther: true,
      scope: 'admin',
    }),
    caller('an agent', {
      token: token(people.robot, { scope: 'write' }),
      right: 'write',
      scope: 'write',
      owner: 'robot',
    }),
  ];
});

afterAll(() => staged.dispose());

const caller = (name: string, given: Partial<CallerOfTest>): CallerOfTest => ({
  name,
  token: undefined,
  right: 'none',
  scope: 'read',
  isAdmin: false,
  isDead: false,
  isForOther: false,
  owner: 'ada',
  ...given,
});

/** As people read it: routes that are mounted by an expression, or below another path, with the path they stand for. */
function nameOf({ method, path, row }: MountedRoute): string {
  const below = /^\^(.*?)\\\/\(\?<owner>.*\\\/([a-z]+)\(\?:/.exec(
    typeof path === 'string' ? '' : path.source,
  );
  const [, prefix = '', under = ''] = below ?? [];
  const plain =
    typeof path === 'string' ? path : `${prefix.replaceAll('\\/', '/')}/:owner/:repo/${under}/*place`;
  const isLfs = /^\/(?:objects|locks)(?:\/|$)/.test(plain);
  return `${method.toUpperCase()} ${row?.path ?? (isLfs ? `${lfs}${plain}` : plain)}`;
}

function allRoutes(): { asked: Asked[]; unknown: string[] } {
  const unknown: string[] = [];
  const asked = new Map<string, Asked>();
  for (const route of mountedRoutes(staged.served.server)) {
    const name = nameOf(route);
    const { row } = route;
    const demand = row === undefined ? pageRights.get(name) : { right: row.right, scope: scopeOf(row) };
    const [method = '', path = ''] = name.split(' ');
    if (demand === undefined || (row === undefined && path.startsWith('/api/'))) unknown.push(name);
    else asked.set(name, { name, method, path, row, ...demand });
  }
  // Signing out comes last: it ends the token that it is sent with.
  const isLast = ({ name }: Asked): boolean => name === 'DELETE /api/v1/sessions/current';
  const sorted = [...asked.values()].toSorted((left, right) => Number(isLast(left)) - Number(isLast(right)));
  return { asked: sorted, unknown };
}

const order = ['none', 'read', 'write', 'maintain', 'admin'];
const reaches = (held: string, wanted: string): boolean => order.indexOf(held) >= order.indexOf(wanted);

/** The status of a refusal, or `passes`. */
function expected({ name, right, scope }: Asked, by: CallerOfTest): 'passes' | 401 | 403 | 404 {
  if (deafRoutes.includes(name)) return 'passes';
  if (by.isDead) return 401;
  if (right === 'anyone') return 'passes';
  // The credential of an attempt is nobody's who has an account.
  if (right === 'agent') return 401;
  if (by.token === undefined) return neverAsksToSignIn.includes(name) ? 404 : 401;
  if (right === 'account') {
    if (by.isForOther && !ofAnyCredential.includes(name)) return 403;
    return hasScope(by, scope) ? 'passes' : 403;
  }
  if (right === 'admin') return by.isAdmin && hasScope(by, 'admin') ? 'passes' : 403;
  if (by.right === 'none') return 404;
  return reaches(by.right, right) && hasScope(by, scope) ? 'passes' : 403;
}

const hasScope = (by: CallerOfTest, scope: ApiScope): boolean => scope === 'none' || reaches(by.scope, scope);

const values: Record<string, string> = {
  owner: 'ada',
  repo: 'app',
  number: '1',
  lane: 'unit',
  account: 'spare',
  pattern: 'release%2F*',
  place: 'main',
  points: 'main...feature',
  name: 'spare',
  oid: '',
};

function addressOf({ path, row, name }: Asked): string {
  const filled = path.replaceAll(/[:*](\w+)/g, (_, key: string) =>
    key === 'oid' ? (path.startsWith(lfs) ? 'a'.repeat(64) : staged.head) : (values[key] ?? '999999'),
  );
  if (name === 'GET /:owner/:repo/info/refs') return `${filled}?service=git-upload-pack`;
  const query = row?.query && (sampleOf(row.query, examples()) as Record<string, string>);
  const text = new URLSearchParams({ ...query, timeout: '0' }).toString();
  return row?.query === undefined ? filled : `${filled}?${text}`;
}

/** What bodies and queries hold where the smallest value that fits their models is not enough. */
const examples = (): Record<string, unknown> => ({
  head: staged.head,
  commit: staged.head,
  name: 'spare',
  owner: 'ada',
  lane: 'unit',
  timeout: 0,
  attempt: 1,
  reason: 'a test',
});

function bodyOf({ row, name }: Asked, by: CallerOfTest): unknown {
  // Everybody makes repositories under the own name alone.
  if (name === 'POST /api/v1/repos') return { owner: by.owner, name: 'made' };
  if (name === 'POST /api/v1/imports') return { owner: by.owner, name: 'brought', url: 'nowhere' };
  if (name.startsWith('POST /:owner/:repo/runs/')) return { lane: 'unit' };
  if (row?.body === undefined) return name.includes('/info/lfs/objects/batch') ? lfsBatch : {};
  return sampleOf(row.body, examples());
}
const lfsBatch = { operation: 'download', objects: [] };

function ask(method: string, address: string, by: { token?: string | undefined }, body?: unknown) {
  const isBare = method === 'GET' || body === undefined;
  return fetch(staged.served.http + address, {
    method,
    redirect: 'manual',
    headers: {
      ...(by.token && { authorization: `Bearer ${by.token}` }),
      ...(isBare ? {} : { 'content-type': 'application/json' }),
    },
    ...(isBare ? {} : { body: JSON.stringify(body) }),
  });
}

async function statusOf(asked: Asked, by: CallerOfTest): Promise<number> {
  const response = await ask(asked.method, addressOf(asked), by, bodyOf(asked, by));
  await response.body?.cancel();
  return response.status;
}

const audited = (): number =>
  staged.served.forge.db.get<{ count: number }>('SELECT count(*) AS count FROM audit')?.count ?? 0;

test('Z2: every route says who may ask for it', () => {
  const { asked, unknown } = allRoutes();
  expect(unknown, 'give an API route a row, a page a line in page-rights.ts').toEqual([]);
  const names = new Set(asked.map(({ name }) => name));
  expect(
    [...pageRights.keys()].filter((name) => !names.has(name)),
    'lines without a route',
  ).toEqual([]);
  const writesForAnyone = asked.filter(({ method, right }) => method !== 'GET' && right === 'anyone');
  expect(writesForAnyone.map(({ name }) => name).toSorted()).toEqual(openWrites.toSorted());
});

// One test: what is let through changes what the others would meet, and so it comes last.
test(
  'Z2: every route refuses whom it must, writes nothing for them, and lets others through',
  manyRequests,
  async () => {
    const before = audited();
    const problems: string[] = [];
    const { asked } = allRoutes();
    for (const route of asked) {
      await Promise.all(
        callers.map(async (by) => {
          const wanted = expected(route, by);
          if (wanted === 'passes') return;
          const status = await statusOf(route, by);
          if (status !== wanted)
            problems.push(`${route.name} answers ${by.name} with ${status}, not ${wanted}`);
        }),
      );
    }
    expect(problems).toEqual([]);
    expect(audited()).toBe(before);

    for (const route of asked) {
      const [least] = callers.filter((by) => expected(route, by) === 'passes').toSorted(byRight);
      // Whom these let through is held in test/ci/agent-fence.test.ts.
      if (least === undefined && route.right === 'agent') continue;
      if (least === undefined) {
        problems.push(`${route.name} is for nobody`);
        continue;
      }
      const status = await statusOf(route, least);
      const isRefused = route.right !== 'anyone' && (status === 401 || status === 403);
      if (isRefused || status >= 500) {
        problems.push(`${route.name} answers ${least.name} with ${status}`);
      }
    }
    expect(problems).toEqual([]);
  },
);

const byRight = (left: CallerOfTest, right: CallerOfTest): number =>
  order.indexOf(left.right) +
  order.indexOf(left.scope) -
  order.indexOf(right.right) -
  order.indexOf(right.scope);
