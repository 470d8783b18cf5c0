// S1: who signed. FIDO keys and RSA with every hash, against signatures that prove nothing.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { addKey } from '../../src/accounts/add-key.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { serveGit, type GitServer, type Person } from '../support/git-server.ts';
import {
  makeSecurityKey,
  openAgent,
  securityKeyKinds,
  type Lie,
  type MadeKey,
} from '../support/key-agent.ts';
import { runProgram, type ProgramResult } from '../support/run-program.ts';
import { sshArguments } from '../support/ssh.ts';

const open = useForge();

async function serveAda(): Promise<{ it: TestForge; server: GitServer; ada: Person }> {
  const it = await open();
  const server = await serveGit(it);
  return { it, server, ada: await server.person('ada') };
}

/** Asks who it is, with the key that the agent offers and no other. */
async function whoami(
  server: GitServer,
  ada: Person,
  agent: { key: MadeKey; lie?: Lie },
): Promise<ProgramResult> {
  const path = `${ada.home}/agent.sock`;
  const listening = await openAgent(path, agent.key, agent.lie);
  const options = [
    `IdentityAgent=${path}`,
    'BatchMode=yes',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${ada.home}/agent-hosts`,
  ].flatMap((option) => ['-o', option]);
  const argv = [
    'ssh',
    '-F',
    '/dev/null',
    '-p',
    String(server.sshPort),
    ...options,
    'git@127.0.0.1',
    'whoami',
  ];
  try {
    return await runProgram(argv, { cwd: ada.home, env: ada.env });
  } finally {
    const closed = once(listening, 'close');
    listening.close();
    await closed;
  }
}

for (const kind of securityKeyKinds) {
  test(`S1: ${kind} signs in who touched it, and nobody else`, async () => {
    const { it, server, ada } = await serveAda();
    const key = makeSecurityKey(kind);
    expect((await whoami(server, ada, { key })).status).toBe(255);
    addKey(it.forge, { accountId: ada.caller.account!.id, text: key.publicText });
    expect(await whoami(server, ada, { key })).toMatchObject({ status: 0, stdout: 'ada\n' });
    const lies: Lie[] = [
      { untouched: true },
      { signer: makeSecurityKey(kind) },
      { application: 'ssh:other' },
      { otherData: true },
    ];
    for (const lie of lies) {
      const refused = await whoami(server, ada, { key, lie });
      expect(refused.stdout, JSON.stringify(lie)).toBe('');
      expect(refused.status, JSON.stringify(lie)).toBe(255);
    }
  });
}

test('S1: an RSA key signs with SHA-512 or SHA-256, each alone, and never with SHA-1', async () => {
  const { it, server, ada } = await serveAda();
  const file = `${ada.home}/id_rsa`;
  await runProgram(['ssh-keygen', '-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', file], {
    cwd: ada.home,
    env: ada.env,
  });
  addKey(it.forge, { accountId: ada.caller.account!.id, text: readFileSync(`${file}.pub`, 'utf8') });
  const ssh = (algorithm: string, ...more: string[]) =>
    runProgram(
      [
        ...sshArguments({ file, publicText: '' }, server.sshPort),
        '-o',
        `PubkeyAcceptedAlgorithms=${algorithm}`,
        ...more,
        'git@127.0.0.1',
        'whoami',
      ],
      { cwd: ada.home, env: ada.env },
    );
  expect(await ssh('rsa-sha2-512')).toMatchObject({ status: 0, stdout: 'ada\n' });
  expect(await ssh('rsa-sha2-256')).toMatchObject({ status: 0, stdout: 'ada\n' });
  expect((await ssh('ssh-rsa')).status).toBe(255);
  // Left to choose, the client takes the best one that the server announces.
  const { stderr } = await runProgram(
    [
      ...sshArguments({ file, publicText: '' }, server.sshPort).map((word) =>
        word === 'LogLevel=ERROR' ? 'LogLevel=DEBUG1' : word,
      ),
      'git@127.0.0.1',
      'whoami',
    ],
    { cwd: ada.home, env: ada.env },
  );
  expect(stderr).toMatch(
    /server-sig-algs=<ssh-ed25519,[^>]*,ecdsa-sha2-nistp521,[^>]*,rsa-sha2-512,rsa-sha2-256>/,
  );
  expect(stderr).not.toMatch(/server-sig-algs=<[^>]*(?:ssh-rsa|ssh-dss)/);
});
