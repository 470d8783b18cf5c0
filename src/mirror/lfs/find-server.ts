// Where a remote has its objects of Git LFS, and what the forge shows itself with there (git-lfs, docs/api/server-discovery.md).
import { z } from 'zod';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import type { RemoteCredential } from '../remote/credential.ts';
import type { Reach } from '../remote/reach-remote.ts';
import type { RemoteAddress } from '../remote/remote-address.ts';
import { failureOf, lastWords } from '../remote/remote-failure.ts';
import { runRemote } from '../remote/run-remote.ts';
import type { LfsHeaders } from './exchange.ts';

export interface LfsRemote {
  address: RemoteAddress;
  credential: RemoteCredential;
  reach: Reach;
}

export type LfsOperation = 'upload' | 'download';

export interface LfsServer {
  /** Ends with `/info/lfs`, mostly. */
  href: string;
  /** For the origin of `href` alone. */
  headers: LfsHeaders;
}

export type FoundServer = LfsServer | { none: string };

export async function findLfsServer(
  forge: Forge,
  remote: LfsRemote,
  order: { operation: LfsOperation; signal: AbortSignal },
): Promise<FoundServer> {
  const { address, credential } = remote;
  if (address.scheme === 'file') return { none: 'a folder has no server of Git LFS' };
  if (address.scheme === 'ssh') return askOverSsh(forge, remote, order);
  return { href: guessedAddress(address), headers: basicHeader(credential) };
}

/** As the client of Git LFS guesses it. */
function guessedAddress({ scheme, host, text, path }: RemoteAddress): string {
  const place = host.includes(':') ? `[${host}]` : host;
  const base = scheme === 'ssh' ? `https://${place}/${path.replace(/^\/+/, '')}` : text;
  const bare = base.replace(/\/+$/, '');
  return `${bare}${bare.endsWith('.git') ? '' : '.git'}/info/lfs`;
}

function basicHeader(credential: RemoteCredential): LfsHeaders {
  if (credential.kind !== 'token') return {};
  const who = Buffer.from(`${credential.user}:${credential.token}`).toString('base64');
  return { authorization: `Basic ${who}` };
}

const access = z.object({
  href: z.string().nullish(),
  header: z.record(z.string(), z.string()).nullish(),
});
/** How ssh itself ends when it does not come through; any other number is of the command there. */
const sshFailed = 255;
// Git starts it, so that it has the address, the keys and the end of any git that talks to this remote. What is of the remote
// stands in arguments, which no shell reads as words of its own.
const askBySsh = `alias.ask=!ask() { eval "$GIT_SSH_COMMAND" '"$@"'; }; ask`;

async function askOverSsh(
  forge: Forge,
  { address, reach }: LfsRemote,
  { operation, signal }: { operation: LfsOperation; signal: AbortSignal },
): Promise<FoundServer> {
  const { connectSeconds, stallSeconds, maxAnswerBytes } = forge.config.mirror;
  const command = `git-lfs-authenticate ${quotedPath(address)} ${operation}`;
  const { exitCode, stdout, said } = await runRemote(forge, reach, {
    args: ['-c', askBySsh, 'ask', '--', address.host, command],
    timeoutMs: (connectSeconds + stallSeconds) * 1000,
    maxBytes: maxAnswerBytes,
    signal,
  });
  if (exitCode === sshFailed) throw new ForgeError('unavailable', failureOf(said).sentence);
  const answer = exitCode === 0 ? access.safeParse(parsed(stdout.toString('utf8'))) : undefined;
  if (answer?.success !== true) {
    const words = exitCode === 0 ? '' : said.includes('git-lfs-authenticate') ? '' : lastWords(said);
    return { none: `it does not know git-lfs-authenticate${words === '' ? '' : ` (${words})`}` };
  }
  const href = answer.data.href || guessedAddress(address);
  if (!URL.canParse(href)) return { none: 'git-lfs-authenticate names no address' };
  return { href, headers: answer.data.header ?? {} };
}

/** A shell may read it there. Servers that have none and split at blanks understand a plain path, so that is left as it is. */
function quotedPath({ path }: RemoteAddress): string {
  const plain = decodeURIComponent(path);
  return /^[\w./~+@-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", `'\\''`)}'`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
