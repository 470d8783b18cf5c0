// The API as it describes itself: the description is one that tools accept, it is true of what is mounted, and nothing
// that can be sent by it brings the forge out of its ways.
import { createConfig, lintFromString } from '@redocly/openapi-core';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { mountedRoutes, type ApiRow } from '../../src/web/api-route.ts';
import type { ApiDescription } from '../../src/web/openapi.ts';
import '../support/check-answers.ts';
import { arbitraryOf } from '../support/schema-arbitrary.ts';
import { stageServer, type StagedServer } from '../support/staged-server.ts';

/** How many requests each route is sent; `API_FUZZ=1000` looks for longer, every time for something else. */
const longRuns = Number(process.env['API_FUZZ'] ?? 0);
const runsPerRoute = longRuns || 5;
const manyRequests = { timeout: 600_000 + longRuns * 60_000 };

let staged: StagedServer;

beforeAll(async () => {
  staged = await stageServer({ waitSeconds: 1 });
});
afterAll(() => staged.dispose());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${staged.served.http}${path}`, { headers });

async function description(): Promise<ApiDescription> {
  return (await (await get('/api/v1/openapi.json')).json()) as ApiDescription;
}

test('the description is OpenAPI 3.1 without a fault that redocly knows', async () => {
  const source = await (await get('/api/v1/openapi.json')).text();
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  // A forge that is tried out is at localhost, which is wrong in a description that is published.
  const faults = problems.filter(({ ruleId }) => ruleId !== 'no-server-example.com');
  expect(faults.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
});

test('every route of the API is described, and nothing else', async () => {
  const { paths } = await description();
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const mounted = rows().map(({ method, path }) => `${method} ${path.replaceAll(/[:*](\w+)/g, '{$1}')}`);
  expect(described.toSorted()).toEqual([...new Set(mounted)].toSorted());
  expect(new Set(mounted).size).toBe(mounted.length);
});

test('what did not change is answered with 304', async () => {
  const headers = { authorization: `Bearer ${staged.token(staged.people.ada)}` };
  for (const path of [
    '/api/v1/repos',
    '/api/v1/repos/ada/app',
    '/api/v1/repos/ada/app/branches/1',
    '/api/v1/openapi.json',
  ]) {
    const first = await get(path, headers);
    const etag = first.headers.get('etag');
    expect([path, first.status, etag]).toEqual([path, 200, expect.any(String)]);
    await first.text();
    // Without the second header fetch asks that no cache be used.
    const again = { 'if-none-match': etag ?? '', 'cache-control': 'max-age=0' };
    const second = await get(path, { ...headers, ...again });
    expect([path, second.status, await second.text()]).toEqual([path, 304, '']);
  }
});

test('the page of the API tells every route, without a script', async () => {
  const response = await get('/help/api');
  expect(response.status).toBe(200);
  const page = await response.text();
  for (const { summary } of rows())
    expect(page).toContain(summary.replaceAll('&', '&amp;').replaceAll("'", '&#39;'));
});

test(
  'nothing that fits the description, or nearly does, is answered with a fault of the forge',
  manyRequests,
  async () => {
    const credentials = { ada: staged.token(staged.people.ada), root: staged.token(staged.people.root) };
    for (const row of inOrder(rows())) {
      const property = fc.asyncProperty(requestFor(row), async ({ path, query, body }) => {
        const token = row.right === 'admin' ? credentials.root : credentials.ada;
        const status = await send(row, { address: `${path}${query}`, body, token });
        expect(status).toBeLessThan(500);
      });
      const settings = longRuns > 0 ? {} : { seed: 6 };
      await fc.assert(property, { ...settings, numRuns: runsPerRoute, endOnFailure: true });
    }
  },
);

const rows = (): ApiRow[] => mountedRoutes(staged.served.server).flatMap(({ row }) => row ?? []);

/** What would take away from the others what they ask for comes last. */
const inOrder = (all: readonly ApiRow[]): ApiRow[] =>
  all
    .filter(({ path }) => path !== '/api/v1/sessions/current')
    .toSorted((left, right) => Number(isHard(left)) - Number(isHard(right)));
const isHard = ({ method, path }: ApiRow): boolean =>
  (method !== 'get' && /:repo$|:name$|\/account\//.test(path)) || /\/(?:merge|close)$/.test(path);

interface FuzzedRequest {
  path: string;
  query: string;
  body: unknown;
}

function requestFor(row: ApiRow): fc.Arbitrary<FuzzedRequest> {
  const schemaOf = (model: z.ZodType) => z.toJSONSchema(model, { io: 'input', unrepresentable: 'any' });
  const examples = {
    head: [staged.head],
    commit: [staged.head],
    lane: ['unit'],
    name: ['spare', 'main'],
    owner: ['ada'],
    target: ['main', 'feature'],
    path: ['a.txt', ''],
    timeout: [0],
  };
  return fc.record({
    path: pathFor(row),
    query:
      row.query === undefined ? fc.constant('') : arbitraryOf(schemaOf(row.query), examples).map(queryOf),
    body: row.body === undefined ? fc.constant(undefined) : arbitraryOf(schemaOf(row.body), examples),
  });
}

/** Mostly what is there; what is not, or is no name of anything, now and then. */
function pathFor({ path }: ApiRow): fc.Arbitrary<string> {
  const odd = ['0', '-1', '999999999999', 'x', '%00', '%F0%9F', '..%2f..', '%E2%80%AE', 'x'.repeat(400)];
  const usual: Record<string, string[]> = {
    owner: ['ada'],
    repo: ['app'],
    number: ['1'],
    lane: ['unit'],
    oid: [staged.head],
    place: ['main', 'feature', 'main/a.txt', 'feature/a.txt', 'HEAD', staged.head, 'main/%FF', ''],
    points: ['main...feature', 'main..feature', 'feature', ''],
    name: ['spare', 'main.zip', 'NAME'],
    account: ['spare', 'reader'],
    pattern: ['main', 'release%2F*'],
  };
  const parts = path.split('/').map((part) => {
    const key = /^[:*](\w+)$/.exec(part)?.[1];
    if (key === undefined) return fc.constant(part);
    return fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...(usual[key] ?? ['1', '2'])) },
      { weight: 1, arbitrary: fc.constantFrom(...odd) },
    );
  });
  return fc.tuple(...parts).map((given) => given.join('/'));
}

function queryOf(given: unknown): string {
  if (typeof given !== 'object' || given === null)
    return `?${encodeURIComponent(String(given).toWellFormed())}`;
  const pairs = Object.entries(given).map(([key, value]): [string, string] => [
    key.toWellFormed(),
    (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed(),
  ]);
  return `?${new URLSearchParams(pairs).toString()}`;
}

async function send(
  row: ApiRow,
  { address, body, token }: { address: string; body: unknown; token: string },
): Promise<number> {
  const hasBody = body !== undefined && row.method !== 'get';
  const response = await fetch(`${staged.served.http}${address}`, {
    method: row.method.toUpperCase(),
    redirect: 'manual',
    headers: { authorization: `Bearer ${token}`, ...(hasBody && { 'content-type': 'application/json' }) },
    ...(hasBody && { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response.status;
}
