// One made repository behind four servers: the forge over HTTP and SSH, `git http-backend`, and Debian's sshd.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { GitClient } from '../support/git-client.ts';
import { outputOf } from '../support/run-program.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { makeRepo, plainEnvironment, type MadeRepo, type RepoShape } from './made-repo.ts';
import { servePlainHttp, servePlainSsh, type PlainServer } from './plain-servers.ts';
import { familyOf } from './server-cost.ts';

export interface Target {
  transport: 'HTTP' | 'SSH';
  isForge: boolean;
  /** How tables name it. */
  name: string;
  /** The address of `made`, or of the empty one that a push may fill: `emptyRepo(target)`. */
  url: (repo: string) => string;
  /** The server's processes that live as long as it does. */
  pids: number[];
}

export interface Stage {
  served: ServedForge;
  ada: GitClient;
  token: string;
  made: MadeRepo;
  targets: Target[];
  dispose: () => Promise<void>;
}

const forgeRepo = 'demo/made';

/** A repository that does not exist in the forge, and is empty elsewhere; each target has its own. */
export const emptyRepo = ({ transport }: Pick<Target, 'transport'>): string =>
  `new-${transport.toLowerCase()}`;

/** Makes the repository and puts it behind all four; the caller disposes of them. */
export async function openStage(shape: RepoShape, settings?: string): Promise<Stage> {
  const served = await startForge(settings === undefined ? {} : { settings });
  const stops: (() => Promise<void>)[] = [];
  const dispose = async (): Promise<void> => {
    for (const stop of stops) await stop();
    await disposeServed(served);
  };
  try {
    const ada = await served.person('ada', 'admin');
    const token = await served.token('ada');
    const plainFolder = join(served.folder, 'plain');
    mkdirSync(plainFolder);
    const made = await makeRepo(shape, join(plainFolder, 'made.git'));
    await placeInForge(served, made);
    for (const transport of ['HTTP', 'SSH'] as const) {
      const argv = [
        'git',
        'init',
        '--quiet',
        '--bare',
        '--initial-branch=main',
        `${emptyRepo({ transport })}.git`,
      ];
      await outputOf(argv, { cwd: plainFolder, env: plainEnvironment(plainFolder) });
    }
    const http = await servePlainHttp(plainFolder);
    stops.push(http.stop);
    const ssh = await servePlainSsh(served.folder, { key: ada.key, repo: plainFolder });
    if (ssh !== undefined) stops.push(ssh.stop);
    return { served, ada, token, made, targets: targetsOf(served, { token, http, ssh }), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function targetsOf(
  served: ServedForge,
  { token, http, ssh }: { token: string; http: PlainServer; ssh: PlainServer | undefined },
): Target[] {
  const forge = { isForge: true, pids: familyOf(served.pid), name: 'the forge' };
  const host = new URL(served.http).host;
  const targets: Target[] = [
    { ...forge, transport: 'HTTP', url: (repo) => `http://ada:${token}@${host}/demo/${repo}.git` },
    {
      transport: 'HTTP',
      isForge: false,
      name: 'git http-backend',
      url: (repo) => `${http.url}/${repo}.git`,
      pids: [http.pid],
    },
    { ...forge, transport: 'SSH', url: (repo) => `ssh://git@${served.ssh}/demo/${repo}.git` },
  ];
  if (ssh === undefined) return targets;
  const sshd = { name: 'sshd', url: (repo: string) => `${ssh.url}/${repo}.git`, pids: [ssh.pid] };
  return [...targets, { ...sshd, transport: 'SSH', isForge: false }];
}

/** By files and not by a push: then both sides serve the very same packs. */
export async function placeInForge(served: ServedForge, made: MadeRepo): Promise<string> {
  const repos = join(served.data, 'repos');
  const before = new Set(readdirSync(repos));
  const created = await served.operate('repo', 'create', forgeRepo, '--default-branch', 'main');
  if (created.status !== 0) throw new Error(`The repository could not be made: ${created.stderr}`);
  const name = readdirSync(repos).find((entry) => entry.endsWith('.git') && !before.has(entry));
  if (name === undefined) throw new Error('The new repository of the forge was not found.');
  const folder = join(repos, name);
  for (const part of ['objects', 'packed-refs']) {
    rmSync(join(folder, part), { recursive: true, force: true });
    cpSync(join(made.folder, part), join(folder, part), { recursive: true });
  }
  return folder;
}
