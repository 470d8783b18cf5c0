// The ways to run a lane apart from the machine, best first. Only bubblewrap keeps a lane from the forge's
// files; a PID namespace alone makes its end certain; a plain process group does neither. What each lane may take is
// limited here too, as far as the kernel does it.
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { Bounds, Tier } from './lane-message.ts';

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
  network: boolean;
  limits?: SandboxLimits;
  /** Of a pipe on which bubblewrap is given more arguments, each ended by a NUL. */
  argsFd?: number;
  /** It runs on a terminal that was made for it alone, and so keeps the session that the terminal belongs to. */
  terminal?: boolean;
}

export interface SandboxLimits {
  bounds: Bounds;
  maxTemporaryBytes: number;
  maxFileBytes: number;
  maxPrograms: number;
  /** The folder of the attempt's cgroup, when it has one. */
  cgroup?: string | undefined;
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
  const { limits } = request;
  if (limits === undefined) return [...tierArgv(request), ...command];
  return [...outerLimits(limits), ...tierArgv(request), ...innerLimits(limits), ...command];
}

function tierArgv(request: SandboxRequest): string[] {
  switch (request.tier) {
    case 'bubblewrap':
      return bubblewrapArgv(request);
    case 'unshare':
      // The shell is the namespace's first program, which signals without a handler do not reach; the lane is its child.
      return [...unshareArgv(request), 'sh', '-c', '"$@"; exit $?', 'lane'];
    case 'none':
      // As in the other tiers, a program that is not found is the lane's failure (127) and not the forge's.
      return request.limits?.bounds.subreaper ?? ['sh', '-c', 'exec "$@"', 'lane'];
  }
}

/** Around the sandbox: its cgroup, a place ahead of the forge when memory runs out, and the size of one file. */
function outerLimits({ bounds, cgroup, maxFileBytes }: SandboxLimits): string[] {
  const join = cgroup === undefined ? '' : 'echo 0 >"$1" && ';
  const script = `echo 500 2>/dev/null >/proc/self/oom_score_adj; ${join}shift && exec "$@"`;
  const limits = bounds.prlimit === undefined ? [] : [bounds.prlimit, `--fsize=${maxFileBytes}`, '--core=0'];
  return ['sh', '-c', script, 'lane', `${cgroup ?? ''}/cgroup.procs`, ...limits];
}

/** Inside the lane's own user namespace, where the kernel counts its programs apart from all others of the user. */
function innerLimits({ bounds, maxPrograms }: SandboxLimits): string[] {
  return bounds.programs === 'namespace' && bounds.prlimit !== undefined
    ? [bounds.prlimit, `--nproc=${maxPrograms}`]
    : [];
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
  // What lies in memory has a size; everything else in memory cannot be written at all.
  const size = request.limits === undefined ? [] : ['--size', String(request.limits.maxTemporaryBytes)];
  const sized = ['/tmp', '/var/tmp', '/dev/shm'].flatMap((path) => [...size, '--tmpfs', path]);
  const readOnly = ['/', '/dev', ...hiddenFolders.filter((path) => existsSync(path))];
  return 'bwrap --unshare-all --unshare-user --disable-userns --die-with-parent --cap-drop ALL'
    .split(' ')
    .concat(request.network ? ['--share-net'] : [], request.terminal === true ? [] : ['--new-session'])
    .concat(request.argsFd === undefined ? [] : ['--args', String(request.argsFd)])
    .concat(system, hidden, '--proc /proc --dev /dev'.split(' '), sized)
    .concat('--bind', join(folder, 'work'), places.work, '--bind', join(folder, 'home'), places.home)
    .concat('--ro-bind', objects, places.objects, '--chdir', places.work, env)
    .concat(
      readOnly.flatMap((path) => ['--remount-ro', path]),
      '--',
    );
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

function unshareArgv({ network }: SandboxRequest): string[] {
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user'];
  const asNetwork = network ? [] : ['--net'];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    'unshare',
    ...asUser,
    ...asNetwork,
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--',
  ];
}
