// ph as tools: what is offered, what a call answers, and that nothing gets past the description.
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import type { StageOptions } from '../landing/staged-branch.ts';
import { endLane } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { useAgent } from '../support/mcp.ts';
import { atTerminal, launcher } from './at-terminal.ts';
import { writeLog } from './written-log.ts';

// Each call of a tool is a start of ph, on a machine that runs all the other tests too.
vi.setConfig({ testTimeout: 300_000 });

const open = useForge();
const openAgent = useAgent();

async function startAgent(options: StageOptions = {}) {
  const terminal = await atTerminal(await open(), options);
  const { origin, token, client } = terminal;
  const env = { ...client.env, PH_URL: origin, PH_TOKEN: token };
  const agent = await openAgent({ command: ['sh', launcher, 'mcp'], cwd: client.checkout, env });
  return { terminal, agent };
}

test('every command with an answer is a tool, and says what it takes', async () => {
  const { agent } = await startAgent();
  const { tools } = await agent.client.listTools();
  const names = tools.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['status', 'wait', 'logs', 'merge', 'secret_list', 'repo_create']),
  );
  for (const forPeople of ['login', 'open', 'shell', 'completions', 'help', 'mcp']) {
    expect(names).not.toContain(forPeople);
  }
  const tool = (name: string) => tools.find((candidate) => candidate.name === name)!;
  expect(tool('merge').annotations).toMatchObject({ readOnlyHint: false });
  expect(tool('status').annotations).toMatchObject({ readOnlyHint: true });
  expect(Object.keys(tool('logs').inputSchema.properties ?? {})).toEqual(
    expect.arrayContaining(['branch', 'repo', 'lane', 'attempt', 'failed', 'json', 'folder']),
  );
  expect(tool('pause_ci').inputSchema.required).toEqual(['reason']);
  expect(agent.client.getInstructions()).toContain('ph wait');
});

test('a call answers what ph prints and its exit status; a no is an answer, a fault is an error', async () => {
  const { agent } = await startAgent({ lane: 'failed' });
  const status = await agent.call('status');
  expect(status).toMatchObject({ status: 0, isError: false });
  expect(status.text).toContain('next      ph logs --failed');
  expect(JSON.parse((await agent.call('status', { json: true })).text.split('\n')[0]!)).toMatchObject({
    branch: { number: 1 },
  });
  expect(await agent.call('wait', { branch: 1 })).toMatchObject({ status: 1, isError: false });
  expect(await agent.call('merge')).toMatchObject({ status: 1, isError: false });
  expect(await agent.call('status', { branch: 99 })).toMatchObject({ status: 4, isError: true });
  expect(await agent.call('status', { folder: '/nowhere/at/all' })).toMatchObject({
    isError: true,
    text: 'There is no folder /nowhere/at/all here.',
  });
});

test('what a tool does not take is refused, and what looks like an option is only a value', async () => {
  const { agent } = await startAgent();
  expect(await agent.call('status', { tea: true })).toMatchObject({ isError: true, status: undefined });
  expect(await agent.call('status', { branch: '--help' })).toMatchObject({ status: 4 });
  const lane = await agent.call('logs', { lane: '--failed' });
  expect(lane).toMatchObject({ status: 4, text: expect.stringContaining('no lane --failed') });
});

test('T1: logs are resources, without what would steer a terminal', async () => {
  const { agent, terminal } = await startAgent({ lane: 'failed' });
  writeLog(terminal.staged.forge, 'not ok\u001B]52;c;eA==\u0007 1\u001B[2J\n');
  const { resources } = await agent.client.listResources();
  const log = resources.find(({ name }) => name === 'unit')!;
  expect(log).toMatchObject({ uri: 'ph-log://ada/app/1/unit/1', description: 'failed test failure' });
  const { contents } = await agent.client.readResource({ uri: log.uri });
  expect(contents).toEqual([{ uri: log.uri, mimeType: 'text/plain', text: 'not ok 1\n' }]);
  await expect(agent.client.readResource({ uri: 'ph-log://ada/app/1/none/1' })).rejects.toThrow('none');
  const skill = await agent.client.readResource({ uri: 'ph-help://landing' });
  expect(JSON.stringify(skill.contents)).toContain('name: land-a-branch');
});

test('a tool that waits tells its progress, and ends when the caller gives up', async () => {
  const { agent, terminal } = await startAgent({ lane: 'running' });
  const children = () => {
    const pid = (agent.client.transport as unknown as { pid: number }).pid;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  };
  const ask = (onprogress: () => void, signal?: AbortSignal) =>
    agent.client.callTool({ name: 'wait', arguments: { timeout: '10m' } }, undefined, {
      onprogress,
      ...(signal && { signal }),
      timeout: 280_000,
    });
  const stop = new AbortController();
  await expect(ask(() => stop.abort(), stop.signal)).rejects.toThrow();
  await expect.poll(children).toBe('');
  const answer = await ask(() => endLane(terminal.staged.forge, terminal.branch, 'success'));
  expect(JSON.stringify(answer.content)).toContain('exit status 0');
});
