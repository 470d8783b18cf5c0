// The log of a lane that runs away from the forge, on a node, grows in the page of whoever reads it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount } from '../../src/accounts/create-account.ts';
import { systemCaller } from '../../src/accounts/system.ts';
import { issueAgentCredential } from '../../src/ci/agents/agent-credential.ts';
import { agentProgram } from '../../src/ci/agents/agent-program.ts';
import { getAttempt } from '../../src/ci/find.ts';
import type { Lane } from '../../src/ci/model.ts';
import { readConfig } from '../../src/forge/config.ts';
import { serve, type Served } from '../../src/operator/serve.ts';
import { createRepo } from '../../src/repos/create-repo.ts';
import { repoPath } from '../../src/repos/path.ts';
import { useBrowser } from '../support/browser.ts';
import { laneOf, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { pushFiles } from '../support/push-files.ts';

const generous = { timeout: 90_000 };
const browser = useBrowser();
let folder: string;
let served: Served;
let agent: ChildProcess | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pika-node-log-'));
  const settings = {
    http: { port: 0 },
    ssh: { port: 0 },
    logLevel: 'silent',
    ci: { heartbeatSeconds: 1, pollSeconds: 1 },
  };
  served = await serve(readConfig(join(folder, 'data'), settings, { PATH: process.env['PATH'] }), {
    welcome: false,
  });
}, 120_000);

afterAll(async () => {
  // It has its lane end, and ends itself.
  if (agent?.exitCode === null && agent.kill('SIGTERM')) await once(agent, 'exit');
  await served.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, 120_000);

/** A lane of a target that this machine has no place for: only a program that claims it runs it. */
async function pushLane(command: string): Promise<Lane> {
  const { forge } = served;
  createAccount(forge, { name: 'ada', kind: 'person', role: 'admin' });
  const caller = systemCaller(forge);
  const repo = await createRepo(forge, { owner: 'ada', name: 'app', visibility: 'public', caller });
  const files = { 'README.md': 'x' };
  await pushFiles(forge.git, { repo: repoPath(forge, repo.id), branch: 'main', files });
  const created = forge.events.next('run-created');
  const lane = `id = "away"\ntarget = "cluster"\ncommand = ${JSON.stringify(command)}`;
  const branch = await pushBranch(forge, repo, { name: 'work', files: manifest(lane) });
  await created;
  return laneOf(forge, runOfBranch(forge, branch), 'away');
}

async function startAgent({ attempt }: Lane): Promise<ChildProcess> {
  const program = join(folder, 'agent.mjs');
  writeFileSync(program, (await agentProgram()).code);
  const scratch = join(folder, 'node');
  mkdirSync(scratch);
  const child = spawn(process.execPath, [program], { env: {}, stdio: ['pipe', 'ignore', 'inherit'] });
  const path = process.env['PATH'] ?? '';
  const credential = issueAgentCredential(served.forge, attempt.id);
  const place = { scratch, path, sandbox: 'none', allowUnsandboxed: true, node: 'n1', job: '7' };
  child.stdin.end(JSON.stringify({ url: served.http, credential, ...place }));
  return child;
}

test(
  'a line that is printed on a node comes into the open page, and so does the end',
  { timeout: 300_000 },
  async () => {
    const gate = (name: string) => join(folder, name);
    const waitFor = (name: string) => `until [ -e ${gate(name)} ]; do sleep 0.1; done`;
    const lane = await pushLane(
      `echo first words; ${waitFor('more')}; echo more words; ${waitFor('end')}; echo last words`,
    );
    agent = await startAgent(lane);
    const page = await (await browser()).newPage();
    page.setDefaultTimeout(generous.timeout);
    await page.goto(`${served.http}/ada/app/runs/1/lanes/away`);
    // Of this document: one that were loaded anew would not have it.
    await page.evaluate('document.body.dataset.opened = "once"');
    const log = page.locator('.log');
    await log.getByText('first words').waitFor();
    expect(await log.getByText('more words').count()).toBe(0);
    writeFileSync(gate('more'), '');
    await log.getByText('more words').waitFor();
    expect(getAttempt(served.forge, lane.attempt.id)).toMatchObject({ state: 'running' });
    writeFileSync(gate('end'), '');
    await log.getByText('last words').waitFor();
    await log.getByText('success · exit 0').waitFor();
    await expect.poll(() => page.locator('main').innerText(), generous).toContain('n1 (job 7)');
    expect(await page.evaluate('document.body.dataset.opened')).toBe('once');
    await page.close();
  },
);
