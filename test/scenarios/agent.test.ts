// A coding agent that was given `ph --help` and `ph mcp`, and nothing else, lands a branch: it does what these tell it,
// in their order. ph is the one file that the forge gave it.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { useAgent, type Agent } from '../support/mcp.ts';
import { runProgram } from '../support/run-program.ts';
import { useServedForge } from '../support/serve.ts';

// Several runs of lanes, on a machine that runs all the other tests too.
vi.setConfig({ testTimeout: 300_000 });

const startForge = useServedForge();
const openAgent = useAgent();

const manifest = `[[lane]]
id = "unit"
command = "test ! -e broken.txt || { echo 'not ok 1 - remove broken.txt'; exit 1; }"
`;

/** A forge with a target that has gone on, and a red branch of the agent. */
async function startWork() {
  const served = await startForge();
  const robot = await served.person('robot');
  const program = join(robot.home, 'ph');
  writeFileSync(program, await (await fetch(`${served.http}/ph/ph`)).text());
  chmodSync(program, 0o755);
  const env = { ...robot.env, PH_URL: served.http, PH_TOKEN: await served.token('robot') };
  await robot.git('remote', 'add', 'origin', `ssh://git@127.0.0.1:${served.sshPort}/robot/app.git`);
  await robot.commit('First', { '.pika/lanes.toml': manifest });
  await robot.git('push', '--quiet', '-u', 'origin', 'main');
  const ph = (...args: string[]) =>
    runProgram([program, ...args], { cwd: robot.checkout, env, timeoutMs: 240_000 });
  await robot.git('switch', '--quiet', '-c', 'other');
  await robot.commit('Other', { 'other.txt': 'x\n' });
  await robot.git('push', '--quiet', '-u', 'origin', 'other');
  expect(await ph('wait')).toMatchObject({ status: 0 });
  expect(await ph('merge')).toMatchObject({ status: 0 });
  await robot.git('switch', '--quiet', '-c', 'work', 'main');
  await robot.commit('Work', { 'work.txt': 'x\n', 'broken.txt': 'x\n' });
  return { robot, env, ph, program };
}

/** The steps of the flow as the instructions number them, each with its commands. */
const stepsOf = (instructions: string): string[][] =>
  instructions
    .split(/^\d+\. /m)
    .slice(1)
    .map((step) => [...step.matchAll(/^ {7}(\S.*)$/gm)].map((match) => match[1]!));

/** Follows the flow by its text; answers everything it did. */
async function follow(agent: Agent, robot: GitClient): Promise<string[]> {
  const done: string[] = [];
  const git = (command: string) => {
    done.push(command);
    return robot.git(...command.split(' ').slice(1));
  };
  const tool = async (command: string) => {
    done.push(command);
    const [, name = '', ...flags] = command.split(' ');
    return agent.call(name, Object.fromEntries(flags.map((flag) => [flag.slice(2), true])));
  };
  const [fetch, rebase, push, wait, fix, land, check] = stepsOf(agent.client.getInstructions() ?? '');
  await git(fetch![0]!);
  await git(rebase![0]!);
  await git(push![0]!);
  while ((await tool(wait![0]!)).status === 1) {
    const log = await tool(fix![0]!);
    const broken = /remove (\S+)/.exec(log.text)![1]!;
    await git(`git rm --quiet ${broken}`);
    await git('git commit --quiet -m Fix');
    await git(fix!.find((command) => command === 'git push')!);
  }
  const merge = land!.find((command) => command === 'ph merge')!;
  expect(await tool(merge)).toMatchObject({ status: 0, isError: false });
  await git(check![0]!);
  return done;
}

test('an agent with ph --help and ph mcp alone fetches, fixes a red lane, pushes, waits and merges', async () => {
  const { robot, env, ph, program } = await startWork();
  const help = await ph('--help');
  const offered = /^ {2}(mcp)\s+the same commands as tools for coding agents/m.exec(help.stdout);
  const agent = await openAgent({ command: [program, offered![1]!], cwd: robot.checkout, env });
  expect(await follow(agent, robot)).toEqual([
    'git fetch',
    'git rebase origin/main',
    'git push -u origin HEAD',
    'ph wait',
    'ph logs --failed',
    'git rm --quiet broken.txt',
    'git commit --quiet -m Fix',
    'git push',
    'ph wait',
    'ph merge',
    'git fetch',
  ]);
  expect(await robot.git('ls-tree', '--name-only', 'origin/main')).toBe('.pika\nother.txt\nwork.txt');
});
