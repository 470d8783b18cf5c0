// How long a merge takes in a repository of 400,000 objects, with a policy that asks for everything there is: the gate
// alone, and gate and merge together, over the API of a forge that runs by itself.
import { join } from 'node:path';
import { outputOf } from '../support/run-program.ts';
import { manifestOf } from '../support/sample-project.ts';
import { addCommit } from './made-repo.ts';
import { inMs, median, quantile, timed, type Figure } from './measure.ts';
import { openStage, type Stage } from './targets.ts';

const branches = 40;
/** The number of the first of them; the manifest and the policy come before. */
const first = 2;
const policy = `[gate]
approvals = 1
resolved_threads = true
[[gate.owners]]
paths = ["src/**", "lib/**", "test/**", "doc/**"]
owners = ["bob"]
[gate.size]
max_files = 500
max_added_lines = 20000
max_file_bytes = 5000000
[gate.secrets]
refuse = true
`;

export async function measureMergeLatency(): Promise<Figure[]> {
  const stage = await openStage({ name: '400k', commits: 43_000, files: 4200 });
  try {
    await stage.served.person('bob', 'admin');
    const ada = caller(stage, stage.token);
    const bob = caller(stage, await stage.served.token('bob'));
    const { push, main } = await prepare(stage, ada);
    const heads: string[] = [];
    for (let turn = 0; turn < branches; turn += 1) {
      const path = stage.made.paths[turn * 97] ?? '';
      const text = `export const turn = ${turn};\n`.repeat(50);
      heads.push(await push({ parent: main, branch: `work-${turn}`, path, text }));
    }
    for (const [place, head] of heads.entries()) {
      const number = place + first;
      await settle(ada, { number, head });
      await bob(`/${number}/reviews`, { verdict: 'approve', head });
    }
    const gates: number[] = [];
    const merges: number[] = [];
    for (const [place, head] of heads.entries()) {
      const number = place + first;
      gates.push(await timed(() => ada(`/${number}`)));
      merges.push(await timed(() => ada(`/${number}/merge`, { head })));
    }
    const how = `${branches} branches, one after the other, by API; ${stage.made.objects.toLocaleString('en')} objects; approvals, threads, owners, size and secrets asked for`;
    return [figure('gate of a branch', gates, how), figure('gate and merge of a branch', merges, how)];
  } finally {
    await stage.dispose();
  }
}

const figure = (what: string, times: number[], how: string): Figure => ({
  what: `${what}, median and p95`,
  value: `${inMs(median(times))}, ${inMs(quantile(times, 0.95))}`,
  how,
});

type Ask = ReturnType<typeof caller>;

/** Lands a manifest and the policy; answers the new tip, and how to push one more commit as a branch. */
async function prepare({ ada, made, served, targets }: Stage, ask: Ask) {
  const clone = join(served.folder, 'client');
  const run = (...args: string[]): Promise<string> =>
    outputOf(['git', ...args], { cwd: served.folder, env: ada.env, timeoutMs: 600_000 });
  await run('clone', '--quiet', '--bare', made.folder, clone);
  const url = targets.find(({ isForge, transport }) => isForge && transport === 'HTTP')?.url('made') ?? '';
  const push = async (change: Parameters<typeof addCommit>[1]): Promise<string> => {
    const head = await addCommit(clone, change);
    await run('--git-dir', clone, 'push', '--quiet', url, change.branch);
    return head;
  };
  const lanes = manifestOf([{ id: 'unit', command: 'true' }]);
  const onSetup = { parent: made.main, branch: 'setup', path: '.pika/lanes.toml', text: lanes };
  const parent = await addCommit(clone, onSetup);
  const head = await push({ parent, branch: 'setup', path: '.pika/policy.toml', text: policy });
  await settle(ask, { number: 1, head });
  const { commit } = await ask('/1/merge', { head });
  await run('--git-dir', clone, 'fetch', '--quiet', url, 'main');
  return { push, main: String(commit) };
}

/** Waits for CI; a first checkout of so many files takes its time. */
async function settle(ask: Ask, { number, head }: { number: number; head: string }): Promise<void> {
  let known = '';
  for (let turn = 0; turn < 200; turn += 1) {
    const { outcome, seen } = await ask(`/${number}/wait?commit=${head}&timeout=60${known}`);
    if (outcome === 'settled') return;
    known = `&seen=${String(seen)}`;
  }
  throw new Error(`Branch ${number} did not settle.`);
}

/** Asks the API about a branch of the repository, with a token. */
function caller({ served }: Stage, token: string) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${served.http}/api/v1/repos/demo/made/branches${path}`, {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${path} was refused: ${answer}`);
    return JSON.parse(answer) as Record<string, unknown>;
  };
}
