import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { waitView } from '../../src/landing/model.ts';
import { addRevision, endLane } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { atTerminal, launcher, type Terminal } from './at-terminal.ts';

const open = useForge();

/** Starts `ph wait` and answers it once it has said something on standard error. */
async function startWaiting({ client, origin, token }: Terminal, ...args: string[]) {
  const child = spawn('sh', [launcher, 'wait', ...args], {
    cwd: client.checkout,
    env: { ...client.env, PH_URL: origin, PH_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close');
  await once(child.stderr, 'data');
  return async () => {
    const [status] = await ended;
    return { status: Number(status), stdout, stderr };
  };
}

test('a wait ends 0 when the lane turns green, with a line for each change', async () => {
  const terminal = await atTerminal(await open(), { lane: 'running' });
  const end = await startWaiting(terminal);
  endLane(terminal.staged.forge, terminal.branch, 'success');
  const { status, stdout, stderr } = await end();
  expect(status).toBe(0);
  expect(stdout).toBe(`green: ${terminal.branch.headOid.slice(0, 8)} passed. Next: ph merge\n`);
  expect(stderr).toMatch(/^ci: run 1 .*\nunit: running\nunit: success 0:0\d\n$/);
  expect(stderr).not.toContain('\u001B');
});

test('a wait ends 1 when a lane turns red, and names the lane and the next command', async () => {
  const terminal = await atTerminal(await open(), { lane: 'running' });
  const end = await startWaiting(terminal);
  endLane(terminal.staged.forge, terminal.branch, 'failed');
  const { status, stdout } = await end();
  expect(status).toBe(1);
  expect(stdout).toBe(`red: unit failed at ${terminal.branch.headOid.slice(0, 8)}. Next: ph logs --failed\n`);
});

test('a head that moved on while ph waits ends 5', async () => {
  const terminal = await atTerminal(await open(), { lane: 'running' });
  const { staged, branch } = terminal;
  const end = await startWaiting(terminal);
  const head = await pushFiles(staged.forge.git, {
    repo: staged.folder,
    branch: branch.name,
    files: { 'n.txt': 'n\n' },
  });
  await addRevision(staged, branch, { head, lane: 'running' });
  staged.forge.events.emit('branch-pushed', { repoId: branch.repoId, branchId: branch.id, revision: 2 });
  const { status, stdout } = await end();
  expect(status).toBe(5);
  expect(stdout).toContain(`moved: the branch went on from ${branch.headOid.slice(0, 8)}`);
});

test('a commit that was not pushed is said at once, and ends 5', async () => {
  const { ph, client, branch } = await atTerminal(await open());
  const head = await client.commit('Not pushed', { 'new.txt': 'x\n' });
  const result = await ph('wait');
  expect(result.status).toBe(5);
  expect(result.stderr).toContain(`${head.slice(0, 8)} is not on the forge yet`);
  expect(result.stdout).toContain(`${branch.headOid.slice(0, 8)} is on the forge`);
});

test('--for landed waits for the merge', async () => {
  const terminal = await atTerminal(await open());
  const end = await startWaiting(terminal, '--for', 'landed');
  expect(await terminal.ph('merge')).toMatchObject({ status: 0 });
  expect(await end()).toMatchObject({ status: 0, stdout: expect.stringContaining('merged:') });
});

test('--json answers one line in the shape of the API', async () => {
  const { ph, branch } = await atTerminal(await open());
  const { stdout } = await ph('wait', '--json');
  const answer = JSON.parse(stdout);
  expect(answer).toMatchObject({ result: 'green', commit: branch.headOid });
  expect(waitView.shape.status.safeParse(answer).success).toBe(true);
  expect(stdout.trim()).not.toContain('\n');
});
