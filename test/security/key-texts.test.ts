// S4: the text of a public key, on every way that it comes in: the form of the account page and the operator's command.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { makeKey } from '../support/ssh.ts';
import { useSharedForge } from '../support/serve.ts';

const forge = useSharedForge();
let good: string;
let hostile: [name: string, text: string][];

beforeAll(async () => {
  const served = await forge();
  await served.person('ada', 'admin');
  good = (await makeKey(served.folder, 'second')).publicText.trim();
  hostile = [
    ['a second key', `${good}\n${good}`],
    ['an option behind a newline', `${good}\ncommand="id" ${good}`],
    ['an option', `command="id" ${good}`],
    ['an environment', `environment="LD_PRELOAD=/x" ${good}`],
    ['a principal', `cert-authority ${good}`],
    ['another type', good.replace('ssh-ed25519', 'ssh-rsa')],
    ['an unknown type', good.replace('ssh-ed25519', 'ssh-dss')],
    ['a NUL', good.replace(' ', '\0')],
    ['a megabyte', `${good} ${'x'.repeat(1_000_000)}`],
    ['bytes behind the key', `${good.split(' ').slice(0, 2).join(' ')}AAAA`],
  ];
}, 60_000);

test('S4: the account page refuses what is not one plain key, and keeps no part of it', async () => {
  const served = await forge();
  const headers = { authorization: `Bearer ${await served.token('ada', 'admin')}`, accept: 'text/html' };
  const post = (text: string): Promise<Response> =>
    fetch(`${served.http}/account/keys`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ text, label: 'x' }),
      redirect: 'manual',
    });
  for (const [name, text] of hostile) {
    const answer = await post(text);
    expect(answer.status, name).toBeGreaterThanOrEqual(400);
    expect(answer.status, name).toBeLessThan(500);
  }
  const keys = async (): Promise<number> => {
    const page = await (await fetch(`${served.http}/account`, { headers })).text();
    return page.split('/account/keys/').length - 1;
  };
  expect(await keys()).toBe(1);
  expect((await post(good)).status).toBe(303);
  expect(await keys()).toBe(2);
});

test('S4: the API refuses the same, for an account and as the deploy key of a repository', async () => {
  const served = await forge();
  const authorization = `Bearer ${await served.token('ada', 'admin')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(`${served.http}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect((await post('/repos', { owner: 'ada', name: 'app' })).status).toBe(201);
  for (const path of ['/account/keys', '/repos/ada/app/deploy-keys']) {
    for (const [name, text] of hostile) {
      const answer = await post(path, { text });
      expect([400, 413], `${path} ${name}`).toContain(answer.status);
    }
  }
  const answer = await fetch(`${served.http}/api/v1/repos/ada/app/deploy-keys`, { headers });
  expect(await answer.json()).toEqual({ keys: [] });
});

test(
  'S4: the operator’s command refuses what is not one plain key, and makes no account of it',
  { timeout: 90_000 },
  async () => {
    const served = await forge();
    const file = join(served.folder, 'hostile.pub');
    // Each is a program of its own, so only those that could reach further than a form.
    for (const [name, text] of hostile.filter(([name]) => /newline|an option$|megabyte/.test(name))) {
      writeFileSync(file, text);
      const refused = await served.operate('account', 'add', 'mallory', '--ssh-key', file);
      expect(refused.status, name).not.toBe(0);
      expect(refused.stderr, name).toMatch(/^pika-git: .{10,400}\n$/);
    }
    writeFileSync(file, (await makeKey(served.folder, 'third')).publicText);
    expect((await served.operate('account', 'add', 'mallory', '--ssh-key', file)).status).toBe(0);
  },
);
