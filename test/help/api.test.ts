// The API as it describes itself: the description is one that tools accept, and true of what is mounted.
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repoListView } from '../../src/repos/model.ts';
import { mountedRoutes, type ApiRow } from '../../src/web/api-route.ts';
import type { ApiDescription } from '../../src/web/openapi.ts';
import '../support/check-answers.ts';
import { stageServer, type StagedServer } from '../support/staged-server.ts';

let staged: StagedServer;

beforeAll(async () => {
  staged = await stageServer();
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
    '/api/v1/repos/ada/app/protected',
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

test('a list goes on behind the cursor of the page before', async () => {
  const headers = { authorization: `Bearer ${staged.token(staged.people.ada)}` };
  const page = async (query: string) =>
    repoListView.parse(await (await get(`/api/v1/repos?limit=1${query}`, headers)).json());
  const first = await page('');
  expect(first).toMatchObject({ repos: [{ name: 'app' }], next: 'ada/app' });
  expect(await page(`&after=${first.next ?? ''}`)).toMatchObject({ repos: [{ name: 'other' }], next: null });
});

test('the page of the API tells every route, without a script', async () => {
  const response = await get('/help/api');
  expect(response.status).toBe(200);
  const page = await response.text();
  for (const { summary } of rows())
    expect(page).toContain(summary.replaceAll('&', '&amp;').replaceAll("'", '&#39;'));
});

const rows = (): ApiRow[] => mountedRoutes(staged.served.server).flatMap(({ row }) => row ?? []);
