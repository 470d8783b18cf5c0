// Finds out how lanes can run on this machine, by running programs in each way that there is.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findCgroups } from './cgroup.ts';
import type { Bounds, Tier } from './lane-message.ts';
import { sandboxArgv } from './sandbox.ts';

export interface TierChoice {
  /** Undefined: no permitted tier works here, so that no lane may run. */
  tier: Tier | undefined;
  /** What was found, in one sentence for people. */
  finding: string;
}

export interface ProbeOptions {
  dataFolder: string;
  scratch: string;
  searchPath: string;
  /** Where subreaper.pl lies, when it is not beside this file. */
  subreaper?: string;
}

const probeMs = 10_000;
const anyBytes = 1024 * 1024;
// By machine: the number of prctl, with which a program becomes the parent of orphans.
const prctlNumbers: Partial<Record<NodeJS.Architecture, number>> = {
  x64: 157,
  arm64: 167,
  riscv64: 167,
  arm: 172,
};

/** Finds the best tier that works on this machine by running a program in it. */
export async function chooseTier(
  options: ProbeOptions & { wanted: Tier | 'auto'; allowUnsandboxed: boolean },
): Promise<TierChoice> {
  const { wanted, allowUnsandboxed } = options;
  const candidates: Tier[] = wanted === 'auto' ? ['bubblewrap', 'unshare', 'none'] : [wanted];
  for (const tier of candidates) {
    if (tier !== 'bubblewrap' && !allowUnsandboxed) continue;
    if (await works(tier, options)) return { tier, finding: findings[tier] };
  }
  const names = candidates.filter((tier) => tier === 'bubblewrap' || allowUnsandboxed).join(', ');
  return {
    tier: undefined,
    finding: `no permitted sandbox works here (tried: ${names || 'none'}); install bubblewrap, or set ci.allowUnsandboxed`,
  };
}

const findings: Record<Tier, string> = {
  bubblewrap: 'Lanes run in bubblewrap: they see the system read-only and nothing of the forge.',
  unshare:
    'Lanes run in a PID namespace: they end for certain, but they can read and write what the forge can.',
  none: 'Lanes run without a sandbox: they can read and write what the forge can.',
};

async function works(tier: Tier, options: ProbeOptions): Promise<boolean> {
  return tier === 'none' || (await runs({ tier, bounds: plain, ...options }, ['true']));
}

const plain: Bounds = { programs: 'counted' };

/** How the programs of a lane can be limited and kept together in the tier. */
export async function findBounds(tier: Tier, options: ProbeOptions): Promise<Bounds> {
  const prlimit = findProgram('prlimit', options.searchPath);
  const bounds: Bounds = prlimit === undefined ? plain : { ...plain, prlimit };
  if (await countsInNamespace({ tier, bounds, ...options })) return { ...bounds, programs: 'namespace' };
  const cgroups = findCgroups();
  const limited: Bounds = cgroups === undefined ? bounds : { ...bounds, programs: 'cgroup', cgroups };
  if (tier !== 'none') return limited;
  const subreaper = await findSubreaper({ tier, bounds: limited, ...options });
  return subreaper === undefined ? limited : { ...limited, subreaper };
}

/** What the limits of this machine are worth, in words that follow the finding on the tier. */
export function describeBounds(tier: Tier, { programs, subreaper }: Bounds): string {
  const counted =
    programs === 'counted'
      ? 'This machine offers no limit for the number of their programs, so these are counted now and then.'
      : `The number of their programs is limited by ${programs === 'cgroup' ? 'a cgroup' : 'the kernel'} for each lane.`;
  const isLoose = tier === 'none' && programs !== 'cgroup' && subreaper === undefined;
  return isLoose ? `${counted} A program that hides may outlive its lane.` : counted;
}

/**
 * Whether a limit inside the lane's user namespace holds for the lane alone. Root is never limited so, and kernels before 5.14
 * count all programs of the user.
 */
async function countsInNamespace(probe: Probe): Promise<boolean> {
  if (probe.tier === 'none' || probe.bounds.prlimit === undefined || process.getuid?.() === 0) return false;
  const limited: Probe = { ...probe, bounds: { ...probe.bounds, programs: 'namespace' } };
  const many = 'i=0; while [ $i -lt 64 ]; do sleep 5 & i=$((i+1)); done';
  const few = await runs(limited, ['sh', '-c', 'sleep 0 & wait']);
  return few && !(await runs(limited, ['sh', '-c', many]));
}

/** The argv of a program that takes in what loses its parent (subreaper.pl), when Perl can do that here. */
async function findSubreaper(probe: Probe): Promise<string[] | undefined> {
  const perl = findProgram('perl', probe.searchPath);
  const prctl = prctlNumbers[process.arch];
  if (process.platform !== 'linux' || perl === undefined || prctl === undefined) return undefined;
  const script = probe.subreaper ?? new URL('./subreaper.pl', import.meta.url).pathname;
  const subreaper = [perl, script, String(prctl)];
  return (await runs({ ...probe, bounds: { ...probe.bounds, subreaper } }, ['true'])) ? subreaper : undefined;
}

interface Probe extends ProbeOptions {
  tier: Tier;
  bounds: Bounds;
}

const probedPrograms = 32;

async function runs(probe: Probe, command: readonly string[]): Promise<boolean> {
  const { searchPath } = probe;
  // Several probes of one forge may run side by side.
  const scratch = `${probe.scratch}-${probe.tier}`;
  try {
    for (const name of ['work', 'home', 'tmp', 'objects'])
      mkdirSync(join(scratch, name), { recursive: true });
    const [program = '', ...args] = sandboxArgv(
      {
        ...probe,
        folder: scratch,
        objects: join(scratch, 'objects'),
        env: {},
        network: true,
        limits: {
          bounds: probe.bounds,
          maxTemporaryBytes: anyBytes,
          maxFileBytes: anyBytes,
          maxPrograms: probedPrograms,
        },
      },
      command,
    );
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const child = spawn(program, args, { env: { PATH: searchPath }, stdio: 'ignore', timeout: probeMs });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
    return await promise;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
