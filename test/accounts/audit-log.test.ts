// The audit log as admins read it: filtered, page by page, and as a file.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordAudit } from '../../src/accounts/audit.ts';
import { auditEntryView, auditListView } from '../../src/accounts/audit-model.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account, Caller, TokenScope } from '../../src/accounts/model.ts';
import { auditApi, auditPages } from '../../src/accounts/route-audit.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { openTestForge, type TestForge } from '../support/forge.ts';

const clock = new SettableClock(Date.UTC(2026, 0, 1, 12));
let it: TestForge;
let origin: string;
let ada: { account: Account; caller: Caller };
let ben: { account: Account; caller: Caller };

beforeAll(async () => {
  it = await openTestForge({ clock });
  const { forge } = it;
  forge.config.limits.maxRowsPerPage = 4;
  ada = it.account('ada', 'admin');
  ben = it.account('ben');
  const write = (caller: Caller, action: string, subject: string, detail = {}) => {
    clock.advance(3_600_000);
    recordAudit(forge, caller, { action, subject, detail });
  };
  write(ben.caller, 'webhook.add', 'ada/app', { origin: 'https://<b>.example', events: ['push'] });
  write(ben.caller, 'webhook', 'ada/app');
  write(ben.caller, 'webhooked', 'ada/application');
  write(ada.caller, 'branch.close', 'ada/app#3', { reason: 'Replaced.' });
  write(ada.caller, 'branch.close', 'ada/app#12');
  write({ ...ben.caller, account: undefined, credential: 'none' }, 'sign-in.refused', 'a%_b', {
    empty: null,
  });
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  app.use(auditApi(forge), auditPages(forge), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => it.dispose());

const get = (path: string, account?: Account, scope: TokenScope = 'admin'): Promise<Response> => {
  const token = account && createToken(it.forge, { accountId: account.id, scope });
  return fetch(origin + path, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
};
const subjects = async (query: string): Promise<string[]> => {
  const response = await get(`/api/v1/audit?${query}`, ada.account);
  return auditListView
    .parse(await response.json())
    .entries.map(({ action, subject }) => `${action} ${subject}`);
};

test.each([
  ['account=BEN', ['webhooked ada/application', 'webhook ada/app', 'webhook.add ada/app']],
  ['account=nobody', []],
  ['action=webhook', ['webhook ada/app', 'webhook.add ada/app']],
  ['action=webhook.add', ['webhook.add ada/app']],
  ['action=%25', []],
  ['subject=ada%2Fapp%233', ['branch.close ada/app#3']],
  ['subject=ada%2Fapp&action=branch', ['branch.close ada/app#12', 'branch.close ada/app#3']],
  ['subject=a%25_b', ['sign-in.refused a%_b']],
  ['since=2026-01-01T17:30:00Z', ['sign-in.refused a%_b']],
  ['since=2026-01-02', []],
  ['until=2026-01-01T13:00:00Z', ['webhook.add ada/app']],
  ['until=2025-12-31', []],
  ['until=2026-01-01&account=ben&action=webhooked&since=', ['webhooked ada/application']],
])('%s finds what it means and nothing beside it', async (query, found) => {
  expect(await subjects(query)).toEqual(found);
});

test('pages follow each other without a gap, and the file has every entry on a line of its own', async () => {
  const first = auditListView.parse(await (await get('/api/v1/audit', ada.account)).json());
  const rest = auditListView.parse(
    await (await get(`/api/v1/audit?before=${first.next}`, ada.account)).json(),
  );
  expect([first.entries.length, rest.next]).toEqual([4, null]);
  const file = await get('/api/v1/audit/export', ada.account);
  expect(file.headers.get('content-type')).toContain('application/x-ndjson');
  expect(file.headers.get('content-disposition')).toContain('attachment; filename="audit.jsonl"');
  const lines = (await file.text())
    .trimEnd()
    .split('\n')
    .map((line) => auditEntryView.parse(JSON.parse(line)));
  expect(lines).toEqual([...first.entries, ...rest.entries]);
  expect(lines.find(({ action }) => action === 'webhook.add')).toMatchObject({
    account: 'ben',
    at: '2026-01-01T13:00:00.000Z',
    detail: { events: ['push'] },
  });
  expect(lines[0]).toMatchObject({ account: null, credential: 'none' });
});

test('a long log comes in parts of the size that the configuration says, and goes on where one ended', async () => {
  it.forge.config.limits.maxExportedRows = 2;
  const read = async (query: string) =>
    (await (await get(`/api/v1/audit/export${query}`, ada.account)).text())
      .trimEnd()
      .split('\n')
      .map((line) => auditEntryView.parse(JSON.parse(line)).id);
  try {
    const [one, two] = await read('');
    const [three] = await read(`?before=${two}`);
    expect([one! - two!, two! - three!]).toEqual([1, 1]);
  } finally {
    it.forge.config.limits.maxExportedRows = 1_000_000;
  }
});

test('the page shows what was written as text, keeps its filters, and says when nothing is found', async () => {
  const page = async (query: string) => (await get(`/admin/audit?${query}`, ada.account)).text();
  const all = await page('');
  expect(all).toContain('before=');
  const found = await page('account=ben&action=webhook.add');
  expect(found).toContain('https://&lt;b&gt;.example');
  expect(found).toContain('value="webhook.add"');
  expect(found).toContain('/api/v1/audit/export?account=ben&amp;action=webhook.add');
  expect(await page('account=nobody')).toContain('Nothing of that kind was written');
  expect((await get('/admin/audit?since=soon', ada.account)).status).toBe(400);
});

test('only an admin reads it, with a credential that may do everything', async () => {
  for (const path of ['/admin/audit', '/api/v1/audit', '/api/v1/audit/export']) {
    expect((await get(path)).status, path).toBe(401);
    expect((await get(path, ben.account)).status, path).toBe(403);
    expect((await get(path, ada.account, 'write')).status, path).toBe(403);
  }
});
