// Every route of the API is sent what fits its description, what nearly does and what does not; whatever it answers, it
// is no fault of the forge, and as its row says.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { mountedRoutes, type ApiRow } from '../../src/web/api-route.ts';
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
