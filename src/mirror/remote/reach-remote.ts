// Everything that one git needs to reach one remote and nothing else: the addresses its name has now, checked and pinned, so
// that what is connected to is what was checked; the credential in files that only this user reads; and one transport.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP, isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { reachable } from '../../lib/public-address.ts';
import { redactor } from '../../lib/redact.ts';
import { addressesOf } from '../../lib/resolve-name.ts';
import type { RemoteCredential } from './credential.ts';
import { hostKeysIn, knownHostsOf } from './host-keys.ts';
import type { RemoteAddress } from './remote-address.ts';

export interface Remote {
  address: RemoteAddress;
  credential: RemoteCredential;
  /** The keys the SSH server is known by (host-keys.ts); without any, those it shows this time are believed. */
  hostKeys?: string | undefined;
}

export interface Reach {
  /** What git is given as the remote. */
  url: string;
  environment: Readonly<Record<string, string>>;
  /** Takes the credential out of a text. */
  redact(text: string): string;
  /** The keys that the SSH server has shown by now, to be kept and asked for the next time. */
  learnedHostKeys(): Promise<string | undefined>;
  /** Removes the files of the credential. */
  close(): Promise<void>;
}

/**
 * Looks the remote's name up and prepares the way there. Refuses (`unavailable`) when nobody knows the name, and
 * (`forbidden`) when it is at an address that remotes may not have. The caller closes it in `finally`.
 */
export async function reachRemote(forge: Forge, remote: Remote): Promise<Reach> {
  const { address, credential } = remote;
  const addresses = await checkedAddresses(forge, address);
  const parent = reachFolder(forge);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parent, 'r-'));
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    const way = { forge, folder, remote, addresses };
    await writeConfiguration(way);
    const overSsh = address.scheme === 'ssh' ? await writeSsh(way) : {};
    const redact = redactor(secretsOf(credential));
    return {
      url: address.text,
      environment: {
        GIT_CONFIG_GLOBAL: join(folder, 'config'),
        // Overrides whatever any configuration says of transports.
        GIT_ALLOW_PROTOCOL: address.scheme,
        GIT_ASKPASS: '',
        SSH_ASKPASS: '',
        ...overSsh,
      },
      redact: (text) => redact(text).replaceAll(folder, '(private)'),
      learnedHostKeys: async () => {
        const text = await readFile(join(folder, 'known_hosts'), 'utf8').catch(() => '');
        return hostKeysIn(text) || undefined;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const reachFolder = (forge: Forge): string => join(forge.config.paths.gitHome, 'remotes');

/** What a forge that was killed left of its credentials. Only for the start, before anything reaches out. */
export const clearReaches = (forge: Forge): Promise<void> =>
  rm(reachFolder(forge), { recursive: true, force: true });

function secretsOf(credential: RemoteCredential): string[] {
  if (credential.kind === 'token') return [`${credential.user}:${credential.token}`, credential.token];
  return credential.kind === 'key' ? credential.privateKey.split('\n').slice(1, -2) : [];
}

async function checkedAddresses(forge: Forge, { scheme, host }: RemoteAddress): Promise<string[]> {
  if (scheme === 'file') return [];
  const { allowedRanges, nameServers } = forge.config.mirror;
  const found = isIP(host) === 0 ? await addressesOf(host, nameServers) : [host];
  if (found.length === 0)
    throw new ForgeError('unavailable', `Nobody knows the name ${host}. Check the address of the remote.`);
  const allowed = found.filter(reachable(allowedRanges));
  if (allowed.length > 0) return allowed;
  throw new ForgeError(
    'forbidden',
    `${host} is at ${found.slice(0, 3).join(', ')}, which is no public address; an operator can open it with mirror.allowedRanges.`,
  );
}

interface Way {
  forge: Forge;
  folder: string;
  remote: Remote;
  addresses: readonly string[];
}

async function writeConfiguration({ forge, folder, remote, addresses }: Way): Promise<void> {
  const { address, credential } = remote;
  const { caFile, stallSeconds } = forge.config.mirror;
  const isHttp = address.scheme === 'https' || address.scheme === 'http';
  const settings: [section: string, key: string, value: string][] = [
    ['include', 'path', forge.git.environment['GIT_CONFIG_GLOBAL'] ?? ''],
    // A folder of this machine is another's repository: its hooks are its own, and those of the forge are not for it.
    ['core', 'hooksPath', 'hooks'],
    ['http', 'lowSpeedLimit', '1'],
    ['http', 'lowSpeedTime', String(stallSeconds)],
    // As with pushes: old histories have these, and nothing is hurt by them.
    ...['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode'].map(
      (fault): [string, string, string] => ['fetch "fsck"', fault, 'ignore'],
    ),
    ['credential', 'helper', ''],
  ];
  if (caFile !== undefined) settings.push(['http', 'sslCAInfo', caFile]);
  if (isHttp && isIP(address.host) === 0) {
    const shown = addresses.map((one) => (isIPv6(one) ? `[${one}]` : one));
    settings.push(['http', 'curloptResolve', `${address.host}:${address.port}:${shown.join(',')}`]);
  }
  if (isHttp && credential.kind === 'token') {
    const file = join(folder, 'credentials');
    const who = `${encodeURIComponent(credential.user)}:${encodeURIComponent(credential.token)}`;
    const place = new URL(address.text).host;
    await writeFile(file, `${address.scheme}://${who}@${place}\n`, { mode: 0o600 });
    settings.push(['credential', 'helper', `store --file=${shellQuoted(file)}`]);
  }
  const text = settings.map(([section, key, value]) => `[${section}]\n\t${key} = ${configQuoted(value)}\n`);
  await writeFile(join(folder, 'config'), text.join(''), { mode: 0o600 });
}

const configQuoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

async function writeSsh({ forge, folder, remote, addresses }: Way): Promise<Record<string, string>> {
  const { address, credential, hostKeys = '' } = remote;
  const { connectSeconds, stallSeconds } = forge.config.mirror;
  const name = address.port === 22 ? address.host : `[${address.host}]:${address.port}`;
  const [knownHosts, key, config] = ['known_hosts', 'key', 'ssh_config'].map((file) => join(folder, file));
  if (knownHosts === undefined || key === undefined || config === undefined) return {};
  await writeFile(knownHosts, knownHostsOf(name, hostKeys), { mode: 0o600 });
  if (credential.kind === 'key') await writeFile(key, credential.privateKey, { mode: 0o600 });
  const options = {
    HostName: addresses[0] ?? '',
    HostKeyAlias: name,
    User: address.user ?? 'git',
    Port: String(address.port),
    IdentityFile: credential.kind === 'key' ? sshQuoted(key) : 'none',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    BatchMode: 'yes',
    UserKnownHostsFile: sshQuoted(knownHosts),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: hostKeys === '' ? 'accept-new' : 'yes',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    HashKnownHosts: 'no',
    VerifyHostKeyDNS: 'no',
    ProxyCommand: 'none',
    ProxyJump: 'none',
    ControlPath: 'none',
    ForwardAgent: 'no',
    ClearAllForwardings: 'yes',
    PermitLocalCommand: 'no',
    CanonicalizeHostname: 'no',
    ConnectTimeout: String(connectSeconds),
    ServerAliveInterval: String(Math.ceil(stallSeconds / 3)),
    ServerAliveCountMax: '3',
    LogLevel: 'ERROR',
  };
  const lines = Object.entries(options).map(([option, value]) => `  ${option} ${value}\n`);
  await writeFile(config, `Host *\n${lines.join('')}`, { mode: 0o600 });
  return { GIT_SSH_COMMAND: `ssh -F ${shellQuoted(config)}`, GIT_SSH_VARIANT: 'ssh' };
}

/** OpenSSH reads % in a path as the beginning of a word of its own. */
const sshQuoted = (path: string): string => `"${path.replaceAll('%', '%%')}"`;
