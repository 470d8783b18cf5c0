// Programs other than git that speak git's protocols, each with three verbs and on repositories that plain git
// can read afterwards. Who is not installed says so instead of being left out in silence.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GitClient } from './git-client.ts';
import { isomorphicClient } from './isomorphic-client.ts';
import { runProgram, type ProgramResult } from './run-program.ts';

export type Way = 'SSH' | 'HTTP';

/** What a client does for one person. A refspec forces with a leading `+` and deletes without a source. */
export interface OtherClient {
  clone: (url: string, folder: string) => Promise<ProgramResult>;
  fetch: (folder: string) => Promise<ProgramResult>;
  push: (folder: string, refspec: string) => Promise<ProgramResult>;
}

export interface ClientKind {
  name: string;
  ways: readonly Way[];
  /** Why it cannot run here; undefined when it can. */
  missing: () => Promise<string | undefined>;
  /** With the token it has for HTTP. */
  open: (person: GitClient, token: string) => OtherClient;
}

/** Debian's own Python: another one on the PATH does not see Debian's modules. */
const python = '/usr/bin/python3';
const java = '/usr/share/java';

export const clientKinds: readonly ClientKind[] = [
  {
    name: 'isomorphic-git',
    ways: ['HTTP'],
    missing: async () => undefined,
    open: isomorphicClient,
  },
  {
    name: 'dulwich',
    ways: ['SSH', 'HTTP'],
    missing: () => missingModule('dulwich', 'python3-dulwich'),
    open: (person, token) => scriptClient(person, 'dulwich-client.py', { HTTP_TOKEN: token }),
  },
  {
    name: 'dulwich with paramiko',
    ways: ['SSH'],
    missing: async () =>
      (await missingModule('dulwich', 'python3-dulwich')) ??
      (await missingModule('paramiko', 'python3-paramiko')),
    open: (person) => scriptClient(person, 'dulwich-client.py', { PARAMIKO_KEY: person.key.file }),
  },
  {
    name: 'libgit2',
    ways: ['SSH', 'HTTP'],
    missing: () => missingModule('pygit2', 'python3-pygit2'),
    open: (person) => scriptClient(person, 'libgit2-client.py', { SSH_KEY: person.key.file }),
  },
  { name: 'JGit', ways: ['SSH', 'HTTP'], missing: missingJgit, open: jgitClient },
  {
    name: 'git with dropbear',
    ways: ['SSH'],
    missing: () => missingProgram('dbclient', 'dropbear-bin'),
    open: dropbearClient,
  },
];

async function missingModule(module: string, debianPackage: string): Promise<string | undefined> {
  const name = `the Python module ${module} (Debian: ${debianPackage})`;
  if (!existsSync(python)) return `${name} needs ${python}`;
  const { status } = await runProgram([python, '-c', `import ${module}`], { cwd: '/', env: {} });
  return status === 0 ? undefined : `${name} is not installed`;
}

export async function missingProgram(program: string, debianPackage: string): Promise<string | undefined> {
  const env = { PATH: process.env['PATH'] ?? '' };
  const { status } = await runProgram(['sh', '-c', `command -v ${program}`], { cwd: '/', env });
  return status === 0 ? undefined : `${program} (Debian: ${debianPackage}) is not installed`;
}

function scriptClient(person: GitClient, script: string, extra: Record<string, string>): OtherClient {
  const file = fileURLToPath(new URL(`clients/${script}`, import.meta.url));
  const env = { ...person.env, ...extra, PYTHONDONTWRITEBYTECODE: '1' };
  const run = (...args: string[]): Promise<ProgramResult> =>
    runProgram([python, file, ...args], { cwd: person.home, env });
  return {
    clone: (url, folder) => run('clone', url, folder),
    fetch: (folder) => run('fetch', folder),
    push: (folder, refspec) => run('push', folder, refspec),
  };
}

/** What Debian's jgit needs besides itself: its own start script names only the first of them. */
const jgitJars = [
  'org.eclipse.jgit.lfs',
  'org.eclipse.jgit.http.apache',
  'httpclient',
  'httpcore',
  'commons-logging',
  'commons-codec',
  'slf4j-nop',
].map((name) => join(java, `${name}.jar`));

async function missingJgit(): Promise<string | undefined> {
  const lost = jgitJars.find((jar) => !existsSync(jar));
  return (
    (await missingProgram('jgit', 'jgit-cli')) ??
    (lost === undefined ? undefined : `jgit (Debian: jgit-cli) has no ${lost}`)
  );
}

/** JGit's own SSH (JSch 0.1.54) knows neither Ed25519 host keys nor a SHA-2 signature of RSA, so it uses OpenSSH. */
function jgitClient(person: GitClient): OtherClient {
  const ssh = join(person.home, 'ssh-for-jgit');
  writeFileSync(ssh, `#!/bin/sh\nexec ${person.env['GIT_SSH_COMMAND']} "$@"\n`, { mode: 0o755 });
  const env = {
    ...person.env,
    // Java names files in the charset of the locale.
    LC_ALL: 'C.UTF-8',
    GIT_SSH: ssh,
    JGIT_CLASSPATH: jgitJars.join(':'),
    // Java takes the home folder from the list of users, not from the environment.
    java_args: `-Duser.home=${person.home}`,
  };
  const run = (...args: string[]): Promise<ProgramResult> =>
    runProgram(['jgit', ...args], { cwd: person.home, env });
  return {
    clone: (url, folder) => {
      // Its command line takes a password from .netrc, and not from the address.
      const { hostname, username, password } = new URL(url);
      const line = `machine ${hostname} login ${username} password ${password}\n`;
      writeFileSync(join(person.home, '.netrc'), line, { mode: 0o600 });
      return run('clone', url, folder);
    },
    fetch: (folder) => run('--git-dir', join(folder, '.git'), 'fetch', 'origin'),
    push: (folder, refspec) => run('--git-dir', join(folder, '.git'), 'push', 'origin', refspec),
  };
}

/** Dropbear has a format of its own for keys, and passes no environment on, so it speaks protocol v0. */
function dropbearClient(person: GitClient): OtherClient {
  const key = `${person.key.file}.dropbear`;
  const env = {
    ...person.env,
    GIT_SSH_COMMAND: `dbclient -y -y -i ${key}`,
    GIT_SSH_VARIANT: 'ssh',
  };
  const convert = ['dropbearconvert', 'openssh', 'dropbear', person.key.file, key];
  const run = async (...args: string[]): Promise<ProgramResult> => {
    if (!existsSync(key)) await runProgram(convert, { cwd: person.home, env });
    return runProgram(['git', '-c', 'protocol.version=0', ...args], { cwd: person.home, env });
  };
  return {
    clone: (url, folder) => run('clone', url, folder),
    fetch: (folder) => run('-C', folder, 'fetch', 'origin'),
    push: (folder, refspec) => run('-C', folder, 'push', 'origin', refspec),
  };
}
