// What must hold for the forge to be of use: each probe does a little of what people would do next.
import { diskRoom, noRoomSentence } from '../forge/disk.ts';
import type { Forge } from '../forge/open.ts';
import type { LoopStatus } from '../lib/loop.ts';
import { listIdleHooks } from '../transport/probe-hooks.ts';
import type { ProbeRow } from './checks.ts';
import { probeSsh } from './probe-ssh.ts';

export interface Probed {
  loops: () => LoopStatus[];
}

/** Three gits and as many shells: what is found out of the hooks is good for a minute. */
const hooksMs = 60_000;

export function probesOf(forge: Forge, { loops }: Probed): ProbeRow[] {
  const { checkSeconds, checkTimeoutSeconds } = forge.config.health;
  const timeoutMs = checkTimeoutSeconds * 1000;
  const freshMs = checkSeconds * 1000;
  return [
    { name: 'database', freshMs, probe: () => probeDatabase(forge) },
    { name: 'disk', freshMs, probe: () => probeDisk(forge) },
    { name: 'git', freshMs, probe: () => probeGit(forge, timeoutMs) },
    { name: 'hooks', freshMs: Math.max(hooksMs, freshMs), probe: () => probeHooks(forge) },
    { name: 'ssh', freshMs, probe: () => probeSsh({ ...forge.config.ssh, timeoutMs }) },
    { name: 'loops', freshMs: 0, probe: () => stoppedLoops(loops()) },
  ];
}

/** Whether somebody could write now: takes the place of the one who writes, reads a table, and gives the place back. */
function probeDatabase({ db }: Forge): undefined {
  const nothing = new Error('taken back');
  try {
    db.transaction(() => {
      db.get('SELECT count(*) FROM repos');
      throw nothing;
    });
  } catch (error) {
    if (error !== nothing) throw error;
  }
}

function probeDisk(forge: Forge): string | undefined {
  const room = diskRoom(forge);
  return room.isLow ? noRoomSentence(room) : undefined;
}

async function probeGit(forge: Forge, timeoutMs: number): Promise<string | undefined> {
  await forge.git.text(['version'], { timeoutMs });
  return forge.git.hasOwnConfiguration()
    ? undefined
    : 'The configuration of git was altered since the start; pika-git doctor --mend writes it anew.';
}

async function probeHooks(forge: Forge): Promise<string | undefined> {
  const [idle] = await listIdleHooks(forge);
  return idle && `Git cannot run the hook ${idle}, or it was altered, so no push would be checked.`;
}

/** Before the start and after the stop; one that fails keeps nobody from working on what the others do. */
function stoppedLoops(loops: readonly LoopStatus[]): string | undefined {
  const stopped = loops.filter(({ state }) => state === 'stopped').map(({ name }) => name);
  return stopped.length === 0
    ? undefined
    : `These loops do not run: ${stopped.join(', ')}. The forge is starting or ending.`;
}
