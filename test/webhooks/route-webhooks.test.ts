// Webhooks over the API and in the settings of a repository: who may see and change them, and that secrets do not come out.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Account, TokenScope } from '../../src/accounts/model.ts';
import { openSealed, readSealKey } from '../../src/lib/seal.ts';
import { putMember } from '../../src/repos/store.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { webhooksApi } from '../../src/webhooks/api.ts';
import {
  deliveryDetailView,
  deliveryListView,
  webhookListView,
  webhookMadeView,
} from '../../src/webhooks/model.ts';
import { webhooksPages } from '../../src/webhooks/pages.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const api = '/api/v1/repos/ada/app/webhooks';
const page = '/ada/app/settings/webhooks';
const secret = 'sixteen letters or more';
const url = 'https://receiver.example/services/T0KEN-in-the-path';

async function serve(settings: Record<string, unknown> = {}) {
  const it = await open({ settings });
  const { forge } = it;
  const ada = it.account('ada');
  const repo = await it.repo('ada/app');
  await it.repo('ada/other');
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
  );
  const webhooks = { look: () => undefined };
  app.use(webhooksApi(forge, webhooks), webhooksPages(forge, webhooks), notFound, answerErrors(forge.log));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  it.defer(() => void server.close());
  it.defer(() => void server.closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const as = (account?: Account, scope: TokenScope = 'admin') => {
    const bearer = account && createToken(forge, { accountId: account.id, scope });
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    return async (method: string, path: string, body?: object | URLSearchParams) => {
      const isForm = body instanceof URLSearchParams;
      const sent = body && {
        body: isForm ? body : JSON.stringify(body),
        headers: {
          ...headers,
          'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        },
      };
      const response = await fetch(origin + path, { method, headers, redirect: 'manual', ...sent });
      return { status: response.status, text: await response.text(), to: response.headers.get('location') };
    };
  };
  return { it, forge, repo, ada, as, asAda: as(ada.account) };
}

test('a webhook is added, changed, pinged and removed, each with a row in the audit log that holds no token of its address', async () => {
  const { forge, asAda } = await serve();
  const added = await asAda('POST', api, { url, events: ['run', 'push'], secret });
  expect(added.status).toBe(201);
  const made = webhookMadeView.parse(JSON.parse(added.text));
  expect(made).toMatchObject({ url, events: ['push', 'run'], active: true, createdBy: 'ada' });
  expect(made.secret).toBeUndefined();
  const changed = await asAda('PATCH', `${api}/${made.id}`, { events: ['review'] });
  expect(JSON.parse(changed.text)).toMatchObject({ url, events: ['review'] });
  const pinged = await asAda('POST', `${api}/${made.id}/ping`);
  expect([pinged.status, JSON.parse(pinged.text)]).toEqual([
    201,
    expect.objectContaining({ event: 'ping', state: 'queued' }),
  ]);
  const { deliveries } = deliveryListView.parse(
    JSON.parse((await asAda('GET', `${api}/${made.id}/deliveries`)).text),
  );
  const shown = await asAda('GET', `${api}/${made.id}/deliveries/${deliveries[0]?.id}`);
  expect(deliveryDetailView.parse(JSON.parse(shown.text))).toMatchObject({
    tries: [],
    body: expect.stringContaining('ping'),
  });
  expect((await asAda('POST', `${api}/${made.id}/deliveries/${deliveries[0]?.id}/redeliver`)).status).toBe(
    409,
  );
  expect(webhookListView.parse(JSON.parse((await asAda('GET', api)).text)).webhooks).toHaveLength(1);
  expect((await asAda('DELETE', `${api}/${made.id}`)).status).toBe(204);
  expect((await asAda('GET', `${api}/${made.id}`)).status).toBe(404);
  const rows = recentAudit(forge, 10).filter(({ action }) => action.startsWith('webhook.'));
  expect(rows.map(({ action, account }) => [action, account])).toEqual([
    ['webhook.remove', 'ada'],
    ['webhook.ping', 'ada'],
    ['webhook.change', 'ada'],
    ['webhook.add', 'ada'],
  ]);
  expect(JSON.stringify(rows)).not.toMatch(/T0KEN|sixteen/);
});

test('a secret that the forge makes is told once, is kept sealed, and opens for its own webhook alone', async () => {
  const { it, forge, asAda } = await serve();
  const made = webhookMadeView.parse(JSON.parse((await asAda('POST', api, { url })).text));
  const told = made.secret ?? '';
  expect(told).toMatch(/^whsec_/);
  for (const path of [api, `${api}/${made.id}`, page, `${page}/${made.id}`]) {
    expect((await asAda('GET', path)).text).not.toContain(told);
  }
  forge.db.copyTo(join(it.folder, 'copy.db'));
  for (const name of ['copy.db', 'forge.db', 'forge.db-wal']) {
    expect(readFileSync(join(it.folder, name)).includes(told), name).toBe(false);
  }
  const sealed = forge.db.get<{ sealed: Buffer }>('SELECT sealed FROM webhooks')?.sealed ?? Buffer.alloc(0);
  const key = readSealKey(forge.config.paths.keys);
  expect(openSealed(key, sealed, `webhook ${made.id}`)).toBe(told);
  expect(openSealed(key, sealed, `webhook ${made.id + 1}`)).toBeUndefined();
  const again = webhookMadeView.parse(
    JSON.parse((await asAda('PATCH', `${api}/${made.id}`, { newSecret: true })).text),
  );
  expect(again.secret).not.toBe(told);
});

test.each([
  [{ url: 'ftp://example.org/' }, 'neither https nor http'],
  [{ url, events: [] }, 'choose at least one'],
  [{ url, events: ['dance'] }, 'events.0'],
  [{ url, secret: 'short' }, 'at least 16 characters'],
  [{ url, extra: 1 }, 'extra'],
  [{ url: `https://example.org/${'x'.repeat(2000)}` }, 'at most 2000 characters'],
])('%j is refused', async (body, why) => {
  const { asAda } = await serve();
  const answer = await asAda('POST', api, body);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(why)]);
});

test('a repository has a limited number of them', async () => {
  const { asAda } = await serve({ webhooks: { maxPerRepo: 1 } });
  expect((await asAda('POST', api, { url })).status).toBe(201);
  const second = await asAda('POST', api, { url });
  expect([second.status, second.text]).toEqual([429, expect.stringContaining('at most 1 webhooks')]);
});

test('only who maintains the repository, with a token that may do everything, sees or changes them, and only its own', async () => {
  const { it, forge, repo, ada, as, asAda } = await serve();
  const { id } = webhookMadeView.parse(JSON.parse((await asAda('POST', api, { url })).text));
  await asAda('POST', `${api}/${id}/ping`);
  const delivery = forge.db.get<{ id: number }>('SELECT id FROM webhook_deliveries')?.id ?? 0;
  const may = (name: string, role: 'read' | 'write') => {
    const { account } = it.account(name);
    putMember(forge.db, { repoId: repo.id, accountId: account.id, role });
    return account;
  };
  const status = async (who: ReturnType<typeof as>, base: string, pages: string) => {
    const form = new URLSearchParams({ url, event: 'push' });
    const asked: [string, string, (object | URLSearchParams)?][] = [
      ['GET', base],
      ['POST', base, { url }],
      ['GET', `${base}/${id}`],
      ['PATCH', `${base}/${id}`, { active: false }],
      ['DELETE', `${base}/${id}`],
      ['POST', `${base}/${id}/ping`],
      ['GET', `${base}/${id}/deliveries`],
      ['GET', `${base}/${id}/deliveries/${delivery}`],
      ['POST', `${base}/${id}/deliveries/${delivery}/redeliver`],
      ['GET', pages],
      ['POST', pages, form],
      ['GET', `${pages}/${id}`],
      ['POST', `${pages}/${id}`, form],
      ['POST', `${pages}/${id}/remove`, form],
      ['POST', `${pages}/${id}/ping`, form],
      ['GET', `${pages}/${id}/deliveries/${delivery}`],
      ['POST', `${pages}/${id}/deliveries/${delivery}/redeliver`, form],
    ];
    const answers: number[] = [];
    for (const [method, path, body] of asked) answers.push((await who(method, path, body)).status);
    return new Set(answers);
  };
  expect(await status(as(), api, page)).toEqual(new Set([401]));
  expect(await status(as(it.account('eve').account), api, page)).toEqual(new Set([404]));
  expect(await status(as(may('rea', 'read')), api, page)).toEqual(new Set([403]));
  expect(await status(as(may('wri', 'write')), api, page)).toEqual(new Set([403]));
  expect(await status(as(ada.account, 'write'), api, page)).toEqual(new Set([403]));
  // Z3: the webhook of one repository below the address of another.
  const other = await status(asAda, '/api/v1/repos/ada/other/webhooks', '/ada/other/settings/webhooks');
  expect(other).toEqual(new Set([200, 201, 404]));
  expect(
    forge.db.get<{ n: number }>(`SELECT count(*) AS n FROM webhooks WHERE id = ${id} AND active = 1`)?.n,
  ).toBe(1);
});

describe('the pages', () => {
  const form = (...fields: [string, string][]) => new URLSearchParams(fields);

  test('show a secret that was made on the answer to the form alone, and the way back from a refusal', async () => {
    const { asAda } = await serve();
    const made = await asAda(
      'POST',
      page,
      form(['url', url], ['event', 'push'], ['event', 'run'], ['secret', ''], ['active', 'on']),
    );
    expect(made.status).toBe(200);
    expect(made.text).toMatch(/whsec_/);
    const refused = await asAda(
      'POST',
      page,
      form(['url', 'http://10.0.0.1/<b>'], ['event', 'run'], ['secret', ''], ['active', 'on']),
    );
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('no public address');
    expect(refused.text).toContain('value="http://10.0.0.1/&lt;b&gt;"');
    expect(refused.text).not.toMatch(/value="push" checked/);
    const none = await asAda('POST', page, form(['url', url], ['secret', '']));
    expect([none.status, none.text]).toEqual([400, expect.stringContaining('choose at least one')]);
  });

  test('change a webhook without touching its secret, turn it off, and remove it', async () => {
    const { forge, asAda } = await serve();
    const { id } = webhookMadeView.parse(JSON.parse((await asAda('POST', api, { url, secret })).text));
    const sealed = () =>
      forge.db.get<{ sealed: Buffer }>('SELECT sealed FROM webhooks')?.sealed.toString('hex');
    const before = sealed();
    const changed = await asAda(
      'POST',
      `${page}/${id}`,
      form(['url', url], ['event', 'landing'], ['secret', '']),
    );
    expect([changed.status, changed.to]).toEqual([303, `${page}/${id}?saved=yes`]);
    expect(sealed()).toBe(before);
    expect(JSON.parse((await asAda('GET', `${api}/${id}`)).text)).toMatchObject({
      events: ['landing'],
      active: false,
    });
    expect((await asAda('POST', `${page}/${id}/ping`, form())).status).toBe(409);
    expect((await asAda('POST', `${page}/${id}/remove`, form())).to).toBe(page);
    expect((await asAda('GET', page)).text).toContain('No webhooks yet');
  });
});
