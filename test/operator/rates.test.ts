// The limits of rates as a whole forge holds them: of everything behind the web, by account, and not of git.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount } from '../../src/accounts/create-account.ts';
import { createToken } from '../../src/accounts/create-token.ts';
import { readConfig } from '../../src/forge/config.ts';
import { serve, type Served } from '../../src/operator/serve.ts';

let folder: string;
let served: Served;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pika-rates-'));
  // Somebody behind a proxy, for the machine itself is not counted.
  const settings = {
    http: { port: 0 },
    ssh: { port: 0 },
    logLevel: 'silent',
    trustedProxies: ['127.0.0.1'],
    rates: { requestsPerMinute: 2 },
  };
  served = await serve(readConfig(folder, settings, { PATH: process.env['PATH'] }), { welcome: false });
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

test('a forge counts pages and API together, each account for itself, and git not at all', async () => {
  const { forge, http } = served;
  const [ana, ben] = ['ana', 'ben'].map((name) => {
    const { id: accountId } = createAccount(forge, { name, kind: 'person', role: 'member' });
    return { authorization: `Bearer ${createToken(forge, { accountId, scope: 'read' })}` };
  });
  const status = async (path: string, who: Record<string, string> | undefined) => {
    const answer = await fetch(http + path, { headers: { 'x-forwarded-for': '192.0.2.1', ...who } });
    await answer.text();
    return answer.status;
  };
  expect([await status('/', ana), await status('/api/v1/repos', ana)]).toEqual([200, 200]);
  expect([await status('/', ana), await status('/api/v1/repos', ana)]).toEqual([429, 429]);
  expect(await status('/api/v1/repos', ben)).toBe(200);
  for (let time = 0; time < 3; time += 1)
    expect(await status('/ana/app.git/info/refs?service=git-upload-pack', undefined)).toBe(401);
});
