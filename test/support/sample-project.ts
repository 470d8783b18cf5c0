// A small project with lanes, as the scenarios push it.
import type { GitClient } from './git-client.ts';
import type { ServedForge } from './serve.ts';

export interface SampleLane {
  id: string;
  command: string;
  paths?: string[];
}

/** The text of `.pika/lanes.toml` with these lanes, each a shell command. */
export function manifestOf(lanes: readonly SampleLane[]): string {
  const tables = lanes.map(({ id, command, paths }) => {
    const only = paths === undefined ? '' : `paths = ${JSON.stringify(paths)}\n`;
    return `[[lane]]\nid = "${id}"\ncommand = ${JSON.stringify(command)}\n${only}`;
  });
  return `version = 1\n\n${tables.join('\n')}`;
}

/** Adds the forge as remote `origin` and pushes the first commit as `main`, which creates the repository. */
export async function pushProject(
  served: ServedForge,
  options: { client: GitClient; repo: string; files: Record<string, string> },
): Promise<string> {
  const { client, repo, files } = options;
  const oid = await client.commit('Start the project', files);
  await client.git('remote', 'add', 'origin', `ssh://git@${served.ssh}/${repo}.git`);
  const pushed = await client.tryGit('push', 'origin', 'main');
  if (pushed.status !== 0)
    throw new Error(`The first push was refused:\n${pushed.stderr}\n${served.errors()}`);
  return oid;
}

/** Commits files on a new branch and pushes it; answers its head and what the forge said. */
export async function pushBranch(
  client: GitClient,
  branch: { name: string; message: string; files: Record<string, string>; from?: string },
): Promise<{ head: string; said: string }> {
  await client.git('switch', '--quiet', '--create', branch.name, branch.from ?? 'main');
  const head = await client.commit(branch.message, branch.files);
  const pushed = await client.tryGit('push', 'origin', branch.name);
  if (pushed.status !== 0) throw new Error(`The push of ${branch.name} was refused:\n${pushed.stderr}`);
  return { head, said: pushed.stderr };
}
