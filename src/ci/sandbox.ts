// The ways to run a lane apart from the machine, best first. Only bubblewrap keeps a lane from the forge's
// files; a PID namespace alone makes its end certain; a plain process group does neither.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { Tier } from './lane-message.ts';

/** Where the lane's folders and the shared objects lie as the lane sees them. */
export interface Places {
  work: string;
  home: string;
  temporary: string;
  objects: string;
}

export interface SandboxRequest {
  tier: Tier;
  /** The attempt's own folder on this machine, with `work`, `home` and `tmp`. */
  folder: string;
  objects: string;
  dataFolder: string;
  /** Set inside the sandbox only: LD_PRELOAD or PATH of a manifest must not reach the sandbox program itself. */
  env: Record<string, string>;
}

export interface TierChoice {
  /** Undefined: no permitted tier works here, so that no lane may run. */
  tier: Tier | undefined;
  /** What was found, in one sentence for people. */
  finding: string;
}

// The parts of the system that every program needs; all else of the machine is not there.
const systemFolders = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/opt',
  '/nix',
  '/gnu',
];
const optionalFolders = ['/run/systemd/resolve', '/run/current-system'];
const hiddenFiles = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/krb5.keytab'];
const hiddenFolders = ['/etc/ssh', '/etc/ssl/private', '/etc/sudoers.d'];
const probeMs = 10_000;

/** Shown paths are fixed in bubblewrap, so that a lane learns nothing of the machine. */
export function placesOf({
  tier,
  folder,
  objects,
}: Pick<SandboxRequest, 'tier' | 'folder' | 'objects'>): Places {
  return tier === 'bubblewrap'
    ? { work: '/lane/work', home: '/lane/home', temporary: '/tmp', objects: '/lane/objects' }
    : { work: join(folder, 'work'), home: join(folder, 'home'), temporary: join(folder, 'tmp'), objects };
}

/**
 * The argv that runs `command` in the tier. The cookie is in the environment that it is started with, so that every layer has
 * it; `env` joins it inside bubblewrap, and must be given to the other tiers by the caller.
 */
export function sandboxArgv(request: SandboxRequest, command: readonly string[]): string[] {
  switch (request.tier) {
    case 'bubblewrap':
      return [...bubblewrapArgv(request), ...command];
    case 'unshare':
      // The shell is the namespace's first program, which signals without a handler do not reach; the lane is its child.
      return [...unshareArgv(), 'sh', '-c', '"$@"; exit $?', 'lane', ...command];
    case 'none':
      // As in the other tiers, a program that is not found is the lane's failure (127) and not the forge's.
      return ['sh', '-c', 'exec "$@"', 'lane', ...command];
  }
}

function bubblewrapArgv(request: SandboxRequest): string[] {
  const { folder, objects, dataFolder } = request;
  const places = placesOf(request);
  const bound = [...systemFolders, ...optionalFolders].filter((path) => existsSync(path));
  const isVisible = bound.some((path) => isInside(dataFolder, path));
  const system = bound.flatMap((path) => ['--ro-bind', path, path]);
  const hidden = [
    ...hiddenFiles.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...hiddenFolders.filter((path) => existsSync(path)).flatMap((path) => ['--tmpfs', path]),
    ...(isVisible ? ['--tmpfs', dataFolder] : []),
  ];
  const env = Object.entries(request.env).flatMap(([name, value]) => ['--setenv', name, value]);
  // The network is shared until lanes can say whether they need it.
  return `bwrap --unshare-all --share-net --unshare-user --disable-userns --die-with-parent --new-session --cap-drop ALL`
    .split(' ')
    .concat(system, hidden, '--proc /proc --dev /dev --tmpfs /tmp --tmpfs /var/tmp'.split(' '))
    .concat('--bind', join(folder, 'work'), places.work, '--bind', join(folder, 'home'), places.home)
    .concat('--ro-bind', objects, places.objects, '--chdir', places.work, env, '--');
}

/** The folders of `searchPath` that a lane of the tier can see. */
export function lanePath(tier: Tier, searchPath: string): string {
  if (tier !== 'bubblewrap') return searchPath;
  const standard = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
  const kept = searchPath.split(':').filter((path) => systemFolders.some((folder) => isInside(path, folder)));
  return [...new Set([...kept, ...standard])].join(':');
}

const isInside = (path: string, folder: string): boolean => {
  const rest = relative(folder, path);
  return rest === '' || (!rest.startsWith('..') && !isAbsolute(rest));
};

function unshareArgv(): string[] {
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user'];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    'unshare',
    ...asUser,
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--',
  ];
}

/** Finds the best tier that works on this machine by running a program in it. */
export async function chooseTier(options: {
  wanted: Tier | 'auto';
  allowUnsandboxed: boolean;
  dataFolder: string;
  scratch: string;
  searchPath: string;
}): Promise<TierChoice> {
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

async function works(
  tier: Tier,
  options: { dataFolder: string; scratch: string; searchPath: string },
): Promise<boolean> {
  if (tier === 'none') return true;
  const { dataFolder, scratch, searchPath } = options;
  try {
    for (const name of ['work', 'home', 'tmp', 'objects'])
      mkdirSync(join(scratch, name), { recursive: true });
    const request = { tier, folder: scratch, objects: join(scratch, 'objects'), dataFolder, env: {} };
    const [program = '', ...args] = sandboxArgv(request, ['true']);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const child = spawn(program, args, { env: { PATH: searchPath }, stdio: 'ignore', timeout: probeMs });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
    return await promise;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
