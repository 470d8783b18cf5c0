// A forge whose lanes run elsewhere: in the program that the forge hands out, started as a plain process that knows the
// forge by its address and a credential alone.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { issueAgentCredential } from '../../src/ci/agents/agent-credential.ts';
import { agentProgram } from '../../src/ci/agents/agent-program.ts';
import { agentApi } from '../../src/ci/agents/route-agent.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import type { Lane, Run } from '../../src/ci/model.ts';
import { openCi, type Ci } from '../../src/ci/open.ts';
import type { Tier } from '../../src/ci/lanes/lane-message.ts';
import { readClusterMark } from '../../src/forge/cluster-mark.ts';
import { findSurvivors, killOnce, type Survivor } from '../../src/ci/lanes/survivors.ts';
import type { Caller } from '../../src/accounts/model.ts';
import type { Forge } from '../../src/forge/open.ts';
import type { SettingsOverride } from '../../src/forge/config.ts';
import type { Repo } from '../../src/repos/model.ts';
import { answerErrors } from '../../src/web/errors.ts';
import './check-answers.ts';
import { laneOf, manifest, pushBranch, runOfBranch } from './ci.ts';
import { openTestForge, type TestForge } from './forge.ts';
import { freePort } from './free-port.ts';
import type { Files } from './push-files.ts';

export interface RunningAgent {
  child: ChildProcess;
  /** Its exit status, or the name of the signal that ended it. */
  exited: Promise<number | string>;
  /** What it wrote to standard error. */
  said: () => string;
}

export interface PushedLane {
  /** Of its branch. */
  name: string;
  run: Run;
  lane: Lane;
}

export class AgentForge {
  readonly it: TestForge;
  readonly forge: Forge;
  readonly repo: Repo;
  readonly caller: Caller;
  readonly url: string;
  readonly scratch: string;
  #ci: Ci;
  #server: Server;
  readonly #program: string;
  readonly #agents: RunningAgent[] = [];
  #branches = 0;

  constructor(parts: { it: TestForge; ci: Ci; repo: Repo; server: Server; program: string }) {
    this.it = parts.it;
    this.forge = parts.it.forge;
    this.#ci = parts.ci;
    this.repo = parts.repo;
    this.caller = parts.it.account('ada', 'admin').caller;
    this.#server = parts.server;
    this.#program = parts.program;
    this.url = `http://127.0.0.1:${(parts.server.address() as AddressInfo).port}`;
    this.scratch = join(parts.it.folder, 'node');
  }

  get ci(): Ci {
    return this.#ci;
  }

  /** A lane that waits: no pass gives it to the forge's own threads. */
  async push(lane: string, files: Files = {}): Promise<PushedLane> {
    this.#branches += 1;
    const name = `work-${this.#branches}`;
    const text = `id = "away"\ntarget = "cluster"\n${lane}`;
    const branch = await pushBranch(this.forge, this.repo, {
      name,
      files: { ...manifest(text), 'name.txt': `${name}\n`, ...files },
    });
    await this.ci.scheduler.pass();
    const run = runOfBranch(this.forge, branch);
    return { name, run, lane: laneOf(this.forge, run, 'away') };
  }

  credential(lane: Lane): string {
    return issueAgentCredential(this.forge, lane.attempt.id);
  }

  start(credential: string, options: { sandbox?: Tier | 'auto'; node?: string } = {}): RunningAgent {
    const { sandbox = 'none', node = 'n1' } = options;
    const path = process.env['PATH'] ?? '';
    const order = { url: this.url, credential, scratch: this.scratch, path, sandbox, node, job: '7' };
    const child = spawn(process.execPath, [this.#program], { env: {}, stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.end(JSON.stringify({ ...order, allowUnsandboxed: true }));
    const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
    const agent = { child, exited, said: () => said };
    this.#agents.push(agent);
    return agent;
  }

  async log({ attempt }: Lane): Promise<string> {
    return (await readLog(this.forge, attempt, { from: 0, maxBytes: 1e7 })).text;
  }

  survivors(): Survivor[] {
    return findSurvivors(`agent-${readClusterMark(this.forge.config)}.`);
  }

  /** Folders that programs have left on the node. */
  leftFolders(): string[] {
    return existsSync(this.scratch) ? readdirSync(this.scratch) : [];
  }

  /** Ends all of the forge but its data, and starts it anew where it was. */
  async restart(): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    await this.goAway();
    await this.#ci.stop();
    this.#ci = await openCi(this.forge);
    this.#server = await listen(this.forge, this.#ci, port);
  }

  /** From now on nobody reaches the forge. */
  async goAway(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async dispose(): Promise<void> {
    for (const { child } of this.#agents) child.kill('SIGKILL');
    await Promise.all(this.#agents.map(({ exited }) => exited));
    killOnce(this.survivors());
    await this.#ci.stop();
    this.#server.close();
    this.#server.closeAllConnections();
    await this.it.dispose();
  }
}

export async function openAgentForge(ci: SettingsOverride = {}): Promise<AgentForge> {
  const it = await openTestForge({
    settings: { ci: { graceSeconds: 1, heartbeatSeconds: 1, pollSeconds: 3600, ...ci } },
  });
  const opened = await openCi(it.forge);
  const server = await listen(it.forge, opened, await freePort());
  const repo = await it.repo('ada/app', { files: { 'README.md': 'x' } });
  const folder = join(it.folder, 'program');
  mkdirSync(folder);
  const program = join(folder, 'agent.mjs');
  writeFileSync(program, (await agentProgram()).code);
  return new AgentForge({ it, ci: opened, repo, server, program });
}

async function listen(forge: Forge, ci: Ci, port: number): Promise<Server> {
  const app = express();
  app.use(agentApi(forge, ci.agents));
  app.use(answerErrors(forge.log));
  const server = createServer(app);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
