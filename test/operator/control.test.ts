import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findAccountByName } from '../../src/accounts/find.ts';
import { socketPath } from '../../src/lib/socket-path.ts';
import { askRunningForge } from '../../src/operator/ask-forge.ts';
import { openControl } from '../../src/operator/control.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

test('a command runs in the forge that serves the data, and its refusal comes back as it was', async () => {
  const { forge, defer } = await open();
  const control = await openControl(forge);
  defer(() => void control.close());
  const { controlSocket } = forge.config.paths;
  const command = { command: 'account add', name: 'ada', role: 'admin' } as const;
  expect(await askRunningForge(controlSocket, command)).toMatchObject({ ok: true });
  expect(findAccountByName(forge, 'ada')?.role).toBe('admin');
  await expect(askRunningForge(controlSocket, command)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('"ada" exists already'),
  });
  const unclear = { command: 'repo create', repo: 'app' } as const;
  await expect(askRunningForge(controlSocket, unclear)).rejects.toMatchObject({
    code: 'invalid',
    message: 'name the repository as OWNER/NAME.',
  });
});

test('nobody but the owner of the data may reach the socket', async () => {
  const { forge, defer } = await open();
  const control = await openControl(forge);
  defer(() => void control.close());
  expect(statSync(forge.config.paths.controlSocket).mode & 0o077).toBe(0);
});

test('a second forge on the same data is refused', async () => {
  const { forge, defer } = await open();
  const control = await openControl(forge);
  defer(() => void control.close());
  await expect(openControl(forge)).rejects.toThrow(/serves .* already; stop it first/);
});

test('a forge that ends in the middle of a command is told of', async () => {
  const { forge, defer } = await open();
  const control = await openControl(forge);
  defer(() => void control.close());
  const { controlSocket } = forge.config.paths;
  control.removeAllListeners('request').on('request', ({ method, socket }, outgoing) => {
    if (method === 'GET') outgoing.end();
    else socket.destroy();
  });
  await expect(askRunningForge(controlSocket, { command: 'doctor' })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/ended before it answered/),
  });
});

test('nobody serves: the command is told so', async () => {
  const { folder } = await open();
  const path = join(folder, 'nobody.sock');
  expect(await askRunningForge(path, { command: 'doctor' })).toBeUndefined();
});

test('a data directory with a long path still gets a socket', async () => {
  const { forge, folder, defer } = await open();
  const deep = join(folder, 'x'.repeat(60), 'y'.repeat(60));
  mkdirSync(deep, { recursive: true });
  forge.config.paths.controlSocket = join(deep, 'control.sock');
  const control = await openControl(forge);
  defer(() => void control.close());
  expect(socketPath(forge.config.paths.controlSocket).length).toBeLessThan(108);
  expect(
    await askRunningForge(forge.config.paths.controlSocket, {
      command: 'token create',
      account: 'x',
      scope: 'read',
    }).catch((error: Error) => error.message),
  ).toMatch(/no account "x"/);
});
