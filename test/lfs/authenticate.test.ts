// `git-lfs-authenticate` over real SSH: a credential for HTTP that lasts for a while and for one repository.
import { expect, test } from 'vitest';
import { parseCommand } from '../../src/transport/parse-command.ts';
import type { GitClient } from '../support/git-client.ts';
import { runProgram, type ProgramResult } from '../support/run-program.ts';
import { useSharedForge, type ServedForge } from '../support/serve.ts';
import { sshArguments } from '../support/ssh.ts';

const forge = useSharedForge();

const ssh = (served: ServedForge, client: GitClient, command: string): Promise<ProgramResult> =>
  runProgram([...sshArguments(client.key, served.sshPort), 'git@127.0.0.1', command], {
    cwd: client.home,
    env: client.env,
  });

interface Access {
  href: string;
  header: { Authorization: string };
  expires_in: number;
}

test('Z1: the credential serves for its repository and operation, and for nothing else of the forge', async () => {
  const served = await forge();
  const ada = await served.person('ada');
  await served.operate('repo', 'create', 'ada/art');
  await served.operate('repo', 'create', 'ada/other');
  const answer = await ssh(served, ada, "git-lfs-authenticate '/ada/art.git' download");
  expect(answer).toMatchObject({ status: 0, stderr: '' });
  const { href, header, expires_in } = JSON.parse(answer.stdout) as Access;
  expect([href, expires_in]).toEqual([`${served.http}/ada/art.git/info/lfs`, 1800]);
  const status = async (path: string, init: RequestInit = {}): Promise<number> => {
    const response = await fetch(path, {
      ...init,
      headers: { ...header, 'content-type': 'application/json' },
    });
    await response.body?.cancel();
    return response.status;
  };
  expect(await status(`${href}/locks`)).toBe(200);
  expect(await status(`${href}/locks`, { method: 'POST', body: '{"path":"a"}' })).toBe(403);
  expect(await status(`${served.http}/ada/other.git/info/lfs/locks`)).toBe(401);
  expect(await status(`${served.http}/ada/art.git/info/refs?service=git-upload-pack`)).toBe(401);
  expect(await status(`${served.http}/api/v1/whoami`)).toBe(401);

  const upload = await ssh(served, ada, 'git-lfs-authenticate ada/art upload');
  Object.assign(header, (JSON.parse(upload.stdout) as Access).header);
  expect(await status(`${href}/locks`, { method: 'POST', body: '{"path":"a"}' })).toBe(201);
});

test('who may not see the repository, or only read it, is refused in a sentence', async () => {
  const served = await forge();
  const eve = await served.person('eve');
  await served.operate('repo', 'create', 'bob/open', '--public');
  await served.operate('repo', 'create', 'bob/hidden');
  const refusal = async (command: string) => {
    const { status, stdout, stderr } = await ssh(served, eve, command);
    expect([status, stdout]).toEqual([1, '']);
    return stderr;
  };
  expect(await refusal('git-lfs-authenticate bob/hidden.git download')).toMatch(/or you may not see it/);
  expect(await refusal('git-lfs-authenticate bob/none.git upload')).toMatch(/or you may not see it/);
  expect(await refusal('git-lfs-authenticate bob/open.git upload')).toMatch(/your right is read/);
});

test('only two operations on an address of a repository are read as the command', () => {
  for (const path of ["'/ada/art.git'", '/ada/art.git', 'ada/art']) {
    for (const operation of ['upload', 'download']) {
      const expected = { kind: 'lfs', operation, owner: 'ada', name: 'art' };
      expect(parseCommand(`git-lfs-authenticate ${path} ${operation}`)).toEqual(expected);
      expect(parseCommand(`git-lfs-authenticate ${path} '${operation}'`)).toEqual(expected);
    }
  }
  for (const command of [
    'git-lfs-authenticate',
    'git-lfs-authenticate /ada/art.git',
    'git-lfs-authenticate /ada/art.git delete',
    'git-lfs-authenticate /ada/../art.git upload',
    'git-lfs-authenticate /ada/art.git upload; id',
    'git-lfs-authenticate /ada/art.git;id upload',
    'git-lfs-authenticate $(id)/art.git upload',
    'git-lfs-authenticate /ada/art.git\n upload',
    'git-lfs-transfer /ada/art.git upload',
  ]) {
    expect(parseCommand(command).kind, command).toBe('refused');
  }
});
