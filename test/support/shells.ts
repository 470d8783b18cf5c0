// A forge with lanes and its SSH server: lanes fail and leave their workspaces, and people open shells in them with the
// real client of OpenSSH, or with a client of ours that has a terminal.
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { Client, type ClientChannel } from 'ssh2';
import { vi } from 'vitest';
import { getRun } from '../../src/ci/find.ts';
import type { Tier } from '../../src/ci/lanes/lane-message.ts';
import type { Lane } from '../../src/ci/model.ts';
import { openCi } from '../../src/ci/open.ts';
import { findSurvivors, type Survivor } from '../../src/ci/lanes/survivors.ts';
import { cookiePrefix } from '../../src/ci/lanes/launch.ts';
import { serveGit, type GitServer, type Person } from './git-server.ts';
import { openTestForge, type TestForge } from './forge.ts';
import { Lanes } from './lanes.ts';
import { runProgram, type ProgramResult } from './run-program.ts';
import { sshArguments } from './ssh.ts';

export interface ShellPlace {
  testForge: TestForge;
  lanes: Lanes;
  server: GitServer;
  /** A person with a right on the repository. */
  person: (name: string, right?: 'read' | 'write' | 'maintain') => Promise<Person>;
  /** `shell OWNER/NAME RUN LANE [ATTEMPT]`, for a lane. */
  command: (lane: Lane, attempt?: number) => string;
  /** Runs ssh without a terminal; `input` is what the shell reads. */
  ssh: (person: Person, command: string, input?: string) => Promise<ProgramResult>;
  /** Programs of shells and lanes that live now. */
  survivors: () => Survivor[];
  /** What the audit log says of shells, oldest first. */
  audit: () => { action: string; detail: Record<string, unknown> }[];
}

export async function openShellPlace(tier: Tier, ci: Record<string, unknown> = {}): Promise<ShellPlace> {
  const settings = { ci: { sandbox: tier, concurrency: 4, graceSeconds: 1, pollSeconds: 3600, ...ci } };
  const testForge = await openTestForge({ settings });
  const { forge } = testForge;
  const opened = await openCi(forge);
  testForge.defer(() => opened.stop());
  const repo = await testForge.repo('demo/app', { files: { 'README.md': 'x' } });
  const lanes = new Lanes({ testForge, ci: opened, repo });
  const server = await serveGit(testForge, opened.shells);
  return {
    testForge,
    lanes,
    server,
    person: async (name, right) => {
      const person = await server.person(name);
      if (right !== undefined) {
        const row = { repo: repo.id, account: person.caller.account?.id ?? 0, right };
        forge.db.run('INSERT INTO repo_members VALUES (:repo, :account, :right)', row);
      }
      return person;
    },
    command: (lane, attempt) =>
      ['shell demo/app', getRun(forge, lane.runId).number, lane.key, attempt ?? ''].join(' ').trim(),
    ssh: (person, command, input) =>
      runProgram([...sshArguments(person.key, server.sshPort), 'git@127.0.0.1', command], {
        cwd: person.home,
        env: person.env,
        input: input ?? '',
        timeoutMs: 100_000,
      }),
    survivors: () => findSurvivors(cookiePrefix(forge.config.paths.data)),
    audit: () =>
      forge.db
        .all<{ action: string; detail: string }>(
          "SELECT action, detail FROM audit WHERE action LIKE 'shell.%' ORDER BY id",
        )
        .map(({ action, detail }) => ({ action, detail: JSON.parse(detail) as Record<string, unknown> })),
  };
}

/** A shell on a terminal of ours. */
export class TerminalShell {
  readonly #client: Client;
  readonly #channel: ClientChannel;
  #screen = '';
  /** The exit status, when the channel has closed. */
  readonly ended: Promise<number | undefined>;

  private constructor(client: Client, channel: ClientChannel) {
    this.#client = client;
    this.#channel = channel;
    const take = (chunk: Buffer) => (this.#screen += chunk.toString('utf8'));
    channel.on('data', take);
    channel.stderr.on('data', take);
    let status: number | undefined;
    channel.on('exit', (code: number | null) => (status = code ?? undefined));
    this.ended = once(channel, 'close').then(() => status);
  }

  static async open(place: ShellPlace, person: Person, command: string): Promise<TerminalShell> {
    const client = new Client();
    client.on('error', () => undefined);
    const ready = once(client, 'ready');
    client.connect({
      host: '127.0.0.1',
      port: place.server.sshPort,
      username: 'git',
      privateKey: readFileSync(person.key.file),
    });
    await ready;
    place.testForge.defer(() => void client.end());
    const { promise, resolve, reject } = Promise.withResolvers<TerminalShell>();
    const pty = { rows: 40, cols: 100, term: 'xterm-256color' };
    client.exec(command, { pty }, (error, channel) => {
      // At once: what the server says first may be in the same packet.
      if (error) reject(error);
      else resolve(new TerminalShell(client, channel));
    });
    return promise;
  }

  /** All that was printed by now. */
  get screen(): string {
    return this.#screen;
  }

  type(keys: string): void {
    this.#channel.write(keys);
  }

  resize(rows: number, columns: number): void {
    this.#channel.setWindow(rows, columns, 0, 0);
  }

  /** Resolves when it reads commands, with a short prompt. */
  async ready(): Promise<void> {
    await this.shows(/[$#] $/);
    this.type(`PS1='ready> '\r`);
    await this.shows(/ready> $/);
  }

  /** Resolves when the screen shows it. */
  async shows(pattern: RegExp): Promise<void> {
    await vi.waitFor(
      () => {
        if (!pattern.test(this.#screen))
          throw new Error(`the screen does not show ${pattern}:\n${this.#screen}`);
      },
      { timeout: 100_000, interval: 20 },
    );
  }

  /** The connection breaks, without a word. */
  vanish(): void {
    this.#client.destroy();
  }

  end(): void {
    this.#client.end();
  }
}
