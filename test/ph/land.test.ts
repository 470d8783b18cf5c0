// `ph land` and `ph queue` against a forge whose queue stands still, so that the test says what becomes of an entry.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { endLandingRow } from '../../src/landing/queue/store.ts';
import { landingView, queueView } from '../../src/landing/queue/model.ts';
import { findLanding } from '../../src/landing/queue/queue-view.ts';
import { stageBranch } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal, launcher, type Terminal } from './at-terminal.ts';

const open = useForge();

/** Starts ph and resolves once it has said something that matches on standard error. */
async function startPh({ client, origin, token }: Terminal, args: string[], said: RegExp) {
  const child = spawn('sh', [launcher, ...args], {
    cwd: client.checkout,
    env: { ...client.env, PH_URL: origin, PH_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close');
  await vi.waitFor(() => expect(stderr).toMatch(said), 60_000);
  return async () => {
    const [status] = await ended;
    return { status: Number(status), stdout, stderr };
  };
}

/** The newest entry of the branch ends as the queue would end it. */
function evict({ staged, branch }: Terminal): void {
  const { forge, repo } = staged;
  const landing = findLanding(forge, repo, branch.id)!;
  endLandingRow(
    forge.db,
    {
      id: landing.id,
      state: 'evicted',
      cause: 'lane_failed',
      message: 'The lane unit failed on top of #7.',
      wayOut: 'Rebase on main, correct it and run ph land.',
      lane: 'unit',
      runId: forge.db.get<{ id: number }>('SELECT id FROM runs')!.id,
      now: forge.clock.now(),
    },
    ['waiting', 'queued', 'testing'],
  );
  forge.events.emit('landing-changed', { repoId: repo.id, branchId: branch.id });
}

test('a branch joins the queue, is listed in its order, and is taken out again', async () => {
  const { ph, staged, branch } = await atTerminal(await open());
  const joined = await ph('land', '--no-wait');
  expect(joined).toMatchObject({ status: 0, stderr: '' });
  expect(joined.stdout).toMatch(
    /^work #1 queued, the next to land on main: .* Next: ph wait --for landed\n$/,
  );
  const held = await stageBranch(staged, { name: 'held', lane: 'failed' });
  await ph('land', String(held.number), '--head', held.headOid, '--no-wait');
  const { status, stdout } = await ph('queue');
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^on main\n {2}1 +#1 +queued +work .*\n {2}- +#2 +waiting +held .*The lane unit failed/,
  );
  const answer = queueView.parse(JSON.parse((await ph('queue', '--json')).stdout));
  expect(answer.targets[0]?.entries).toHaveLength(1);
  expect((await ph('queue', '--target', 'other')).stdout).not.toContain('#1');
  expect(await ph('status')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^queue +queued, the next/m),
  });

  const out = await ph('land', '--cancel', '--json');
  expect(landingView.parse(JSON.parse(out.stdout))).toMatchObject({
    state: 'cancelled',
    branch: { number: branch.number },
    ended: { cause: 'cancelled', by: 'ada' },
  });
  expect(await ph('land', '--cancel')).toMatchObject({ status: 5 });
});

test('who waits is told when the branch is evicted, with the way back, and the answer is no', async () => {
  const terminal = await atTerminal(await open());
  const end = await startPh(terminal, ['land'], /^landing: queued, the next to land on main/m);
  evict(terminal);
  const { status, stdout } = await end();
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^evicted: The lane unit failed on top of #7\. Rebase on main.* See http\S+\/runs\/1\/lanes\/unit\n$/,
  );
  // Green alone and red on the target: merging it by hand is not what ph advises.
  expect((await terminal.ph('status')).stdout).toMatch(/^queue +evicted: (?!.*ph merge)/ms);
  // Whoever waits for the landing hears of it too, and does not wait for nothing.
  expect(await terminal.ph('wait', '--for', 'landed')).toMatchObject({ status: 1, stdout });
  expect((await terminal.ph('queue')).stdout).toMatch(
    /left the queue\n +#1 +evicted +work +The lane unit failed/,
  );
});

test('who waits is told when the branch is red by itself, and does not wait for ever', async () => {
  const { ph, staged, branch } = await atTerminal(await open(), { lane: 'failed' });
  const { status, stdout } = await ph('land', '--timeout', '1m');
  expect([status, stdout]).toEqual([
    1,
    expect.stringMatching(
      /^red: unit failed at \w+\. It stays in the landing queue .* Next: ph logs --failed\n/,
    ),
  ]);
  expect(findLanding(staged.forge, staged.repo, branch.id)?.state).toBe('waiting');
  expect((await ph('status')).stdout).toMatch(/^next +ph logs --failed$/m);
});

test('a wait that is over leaves the branch in the queue, and says so', async () => {
  const terminal = await atTerminal(await open());
  const waited = await terminal.ph('land', '--timeout', '0.2');
  expect(waited).toMatchObject({ status: 6, stdout: expect.stringContaining('stays in the landing queue') });
  expect(findLanding(terminal.staged.forge, terminal.staged.repo, terminal.branch.id)?.state).toBe('queued');
});

test('what is not pushed, not here or not meant so does not join', async () => {
  const { ph, client, staged, branch } = await atTerminal(await open());
  await client.commit('Not pushed', { 'new.txt': 'x\n' });
  expect(await ph('land')).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('is here. Nothing was queued'),
  });
  await client.git('checkout', '--quiet', '--detach');
  await client.git('branch', '-D', 'work');
  expect(await ph('land', '1')).toMatchObject({ status: 2, stderr: expect.stringContaining(branch.headOid) });
  expect(await ph('land', '1', '--method', 'octopus')).toMatchObject({ status: 2 });
  expect(await ph('queue', '--pause', 'x', '--resume')).toMatchObject({ status: 2 });
  expect(await ph('queue', '--pause', ' ')).toMatchObject({ status: 2 });
  expect(findLanding(staged.forge, staged.repo, branch.id)).toBeUndefined();
});

test('the queue is paused with a reason that it shows, and resumed', async () => {
  const { phWith, origin, staged } = await atTerminal(await open());
  const { createToken } = await import('../../src/accounts/create-token.ts');
  const token = createToken(staged.forge, { accountId: staged.account.id, scope: 'admin' });
  const ph = (...args: string[]) => phWith({ PH_URL: origin, PH_TOKEN: token }, ...args);
  expect(await ph('queue', '--pause', 'cutting 2.8.1')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^paused by ada for 0:\d\d: cutting 2\.8\.1\. Next: ph queue --resume\n/),
  });
  expect(await ph('queue', '--resume')).toMatchObject({
    status: 0,
    stdout: 'Nothing waits to land in ada/app. Next: ph land\n',
  });
});
