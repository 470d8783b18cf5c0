// Starts the command of a lane in its sandbox, with its environment, and with its output in one pipe.
import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { StartMessage } from './lane-message.ts';
import type { Output } from './output-pipe.ts';
import { lanePath, placesOf, sandboxArgv } from './sandbox.ts';
import { cookieName } from './survivors.ts';

/** Where bubblewrap reads what must not stand in its command line, which everybody on the machine can read. */
const argsFd = 3;

export function startProgram(start: StartMessage, output: Output, cgroup: string | undefined): ChildProcess {
  const { tier, bounds, secrets } = start;
  const places = placesOf(start);
  const env = {
    PATH: lanePath(tier, start.searchPath),
    LANG: 'C.UTF-8',
    ...start.env,
    HOME: places.home,
    TMPDIR: places.temporary,
  };
  const isHidden = tier === 'bubblewrap' && Object.keys(secrets).length > 0;
  const { maxTemporaryBytes, maxPrograms, maxDiskBytes: maxFileBytes } = start;
  const [program = '', ...args] = sandboxArgv(
    {
      ...start,
      env,
      limits: { bounds, maxTemporaryBytes, maxFileBytes, maxPrograms, cgroup },
      ...(isHidden ? { argsFd } : {}),
    },
    typeof start.command === 'string' ? ['sh', '-euc', start.command] : start.command,
  );
  const child = spawn(program, args, {
    cwd: `${start.folder}/work`,
    detached: true,
    stdio: ['ignore', output.writeEnd, output.writeEnd, isHidden ? 'pipe' : 'ignore'],
    env: {
      ...(tier === 'bubblewrap' ? { PATH: start.searchPath } : { ...env, ...secrets }),
      [cookieName]: start.cookie,
    },
  });
  if (isHidden) hand(child.stdio[argsFd] as Writable, secrets);
  output.closeWriteEnd();
  return child;
}

function hand(pipe: Writable, secrets: Readonly<Record<string, string>>): void {
  // A sandbox that does not start shows in its exit.
  pipe.on('error', () => undefined);
  pipe.end(
    Object.entries(secrets)
      .map(([name, value]) => `--setenv\0${name}\0${value}\0`)
      .join(''),
  );
}
