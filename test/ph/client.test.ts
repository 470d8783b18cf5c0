import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createToken } from '../../src/accounts/create-token.ts';
import { mergeView } from '../../src/landing/model.ts';
import { Client } from '../../src/ph/client.ts';
import { serveApi } from '../landing/served-api.ts';
import { stageBranch, stageRepo } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Something on the web that is no forge. */
async function serveText(status: number, body: string, headers = {}): Promise<string> {
  const server = createServer((_request, response) => void response.writeHead(status, headers).end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a closed gate is a no; a head that moved is a move: the forge refuses both with 409', async () => {
  const forge = await open();
  const staged = await stageRepo(forge);
  const origin = await serveApi(forge, staged);
  const branch = await stageBranch(staged, { lane: 'failed' });
  const client = new Client(
    origin,
    createToken(staged.forge, { accountId: staged.account.id, scope: 'write' }),
  );
  const merge = (head: string) =>
    client.post(`/repos/ada/app/branches/${branch.number}/merge`, { head }, mergeView);
  await expect(merge(branch.headOid)).rejects.toMatchObject({ status: 1 });
  await expect(merge('0'.repeat(40))).rejects.toMatchObject({ status: 5 });
});

test.each([
  [200, '<html>', 7],
  [200, '{}', 7],
  [404, 'nothing here', 4],
  [401, '', 3],
  [502, 'bad gateway', 7],
  [418, '{"error":{"code":"teapot","message":"no"}}', 7],
])('an answer %i %s of something that is no forge ends %i', async (status, body, exit) => {
  const client = new Client(await serveText(status, body));
  await expect(client.get('/whoami', { answer: z.object({ name: z.string() }) })).rejects.toMatchObject({
    name: 'Failure',
    status: exit,
  });
});

test('a redirect is not followed, so that a token goes to nobody else', async () => {
  const forge = { origin: 'http://x', sshHost: 'x', sshPort: 1, version: '1' };
  const elsewhere = await serveText(200, JSON.stringify(forge));
  const client = new Client(await serveText(302, '', { location: elsewhere }), 'secret');
  const message = expect.stringContaining(`leads to ${elsewhere}; sign in there: ph login ${elsewhere}`);
  await expect(client.forge()).rejects.toMatchObject({ status: 7, message });
});

test('a forge that speaks no TLS is to be named by its whole address', async () => {
  const origin = await serveText(200, '{}');
  const client = new Client(origin.replace('http:', 'https:'));
  const message = expect.stringMatching(new RegExp(`write the whole address: ${origin}$`));
  await expect(client.forge()).rejects.toMatchObject({ status: 7, message });
});
