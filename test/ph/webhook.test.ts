import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { webhookListView, webhookMadeView } from '../../src/webhooks/model.ts';
import { useForge } from '../support/forge.ts';
import { openReceiver } from '../webhooks/receiver.ts';
import { atTerminal } from './at-terminal.ts';

vi.setConfig({ testTimeout: 300_000 });

const open = useForge();

test('ph webhook adds, tries, changes and removes webhooks; a secret comes from a file or is printed once', async () => {
  const it = await open({ settings: { webhooks: { allowedRanges: ['127.0.0.1'] } } });
  const terminal = await atTerminal(it);
  const { forge, account } = terminal.staged;
  const receiver = await openReceiver(
    (response, number) => void response.writeHead(number === 2 ? 410 : 204).end(),
  );
  it.defer(receiver.close);
  const token = createToken(forge, { accountId: account.id, scope: 'admin' });
  const ph = (...args: string[]) =>
    terminal.phWith({ PH_URL: terminal.origin, PH_TOKEN: token }, 'webhook', ...args);
  const file = join(terminal.client.home, 'secret');
  writeFileSync(file, 'a secret from a file\n');
  const added = await ph('add', receiver.url, '--events', 'push', 'run', '--secret-file', file, '--json');
  const { id, ...made } = webhookMadeView.parse(JSON.parse(added.stdout));
  expect(made).toMatchObject({ events: ['push', 'run'], active: true });
  expect(added.stdout).not.toContain('secret');
  expect(await ph('list')).toMatchObject({ status: 0, stdout: `${id}  ${receiver.url}  push,run  on\n` });
  expect(await ph('ping', String(id))).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+ {2}ping {2}delivered {2}1 tried/),
  });
  expect(await ph('ping', String(id))).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/ping {2}failed .* the answer was 410\n$/),
  });
  const [failed = ''] = (await ph('deliveries', String(id))).stdout.split(' ', 1);
  expect(await ph('redeliver', String(id), failed)).toMatchObject({ status: 0 });
  expect((await ph('deliveries', String(id), failed)).stdout).toMatch(
    /attempt 1 .*410\n[^]*attempt 2 .*204\n[^]*"event":"ping"/,
  );
  expect(receiver.received).toHaveLength(3);
  const renewed = await ph('set', String(id), '--off', '--events', 'review,branch', '--new-secret');
  expect(renewed.stdout).toMatch(/review,branch {2}off\nsecret {2}whsec_\S+\n$/);
  expect(renewed.stderr).toContain('not shown again');
  expect(await ph('ping', String(id))).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('is off'),
  });
  expect(await ph('remove', String(id))).toMatchObject({ status: 0 });
  expect(webhookListView.parse(JSON.parse((await ph('list', '--json')).stdout)).webhooks).toEqual([]);
  for (const args of [
    ['set', '1'],
    ['set', '1', '--on', '--off'],
    ['add', 'https://x.example', '--events', 'tea'],
    ['ping', 'x'],
  ]) {
    expect(await ph(...args), args.join(' ')).toMatchObject({ status: 2, stdout: '' });
  }
});
