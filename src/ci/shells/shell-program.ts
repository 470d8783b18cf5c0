// What a debug shell is: the sandbox and the environment of its lane, with a shell in place of the command, and without
// the secrets.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { spansOfLine } from '../../lib/ansi.ts';
import { repoPath } from '../../repos/path.ts';
import type { Workspace } from './find-workspace.ts';
import { attemptEnvironment } from '../lanes/launch.ts';
import { lanePath, placesOf, sandboxArgv } from '../lanes/sandbox.ts';
import type { ShellLimits } from './shell-limits.ts';
import { cookieName } from '../lanes/survivors.ts';

const shell = ['sh', '-c', 'if command -v bash >/dev/null; then exec bash; fi; exec sh'];
const maxCommandCharacters = 200;
/** What turns the reading direction, or cannot be seen. */
const invisible = /[\u00AD\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g;

interface ProgramParts {
  workspace: Workspace;
  /** Stands in the environment of all its programs, so that none can hide after `setsid`. */
  cookie: string;
  /** The client's TERM, when it has a terminal. */
  term: string | undefined;
  limits: Pick<ShellLimits, 'sandbox'>;
}

/** What to start, in which folder, with which environment. */
export function shellProgram(forge: Forge, { workspace, cookie, term, limits }: ProgramParts) {
  const { repo, attempt, lane, tier, folder } = workspace;
  const { paths, searchPath } = forge.config;
  const objects = join(repoPath(forge, repo.id), 'objects');
  const places = placesOf({ tier, folder, objects });
  const env: Record<string, string> = {
    PATH: lanePath(tier, searchPath),
    LANG: 'C.UTF-8',
    ...attemptEnvironment(forge, attempt.id),
    HOME: places.home,
    TMPDIR: existsSync(places.temporary) ? places.temporary : '/tmp',
    SHELL: '/bin/sh',
    ...(term === undefined ? {} : { TERM: term }),
  };
  const { network } = lane.extras;
  const request = {
    tier,
    folder,
    objects,
    env,
    network,
    limits: limits.sandbox,
    dataFolder: paths.data,
    terminal: term !== undefined,
  };
  return {
    argv: sandboxArgv(request, shell),
    // The shell that `script` starts is that of SHELL.
    env: {
      ...(tier === 'bubblewrap' ? { PATH: searchPath, SHELL: '/bin/sh' } : env),
      [cookieName]: cookie,
    },
    folder: join(folder, 'work'),
  };
}

/** What its user should know, in lines. */
export function shellGreeting(
  { run, lane, attempt, tier }: Workspace,
  { minutes, endsBy }: { minutes: number; endsBy: number },
): string[] {
  const until = new Date(endsBy).toISOString().slice(11, 16);
  return [
    `run ${run.number} · ${lane.key}, attempt ${attempt.number} · commit ${run.headOid.slice(0, 12)} · ${tier}, as the lane ran, without secrets`,
    `its command: ${plain(commandText(lane.command))}`,
    `this shell ends at ${until} UTC, ${minutes} min from now; leave it with exit.`,
  ];
}

export const commandText = (command: string | string[]): string =>
  typeof command === 'string' ? command : command.join(' ');

/** A manifest may hold what steers a terminal. */
function plain(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, '; ');
  const shown = spansOfLine(line)
    .spans.map((span) => span.text)
    .join('')
    .replace(invisible, '');
  return shown.length > maxCommandCharacters ? `${shown.slice(0, maxCommandCharacters)}…` : shown;
}
