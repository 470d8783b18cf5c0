// Signing in: with a token from a file, or with the ssh key that git uses already, over the one-time link
// that `ssh … login` prints.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { accountView } from '../../accounts/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { readCheckout } from '../checkout.ts';
import { Client } from '../client.ts';
import { Failure, notFound, wrongUse } from '../failure.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { runSsh } from '../run-ssh.ts';
import { originOf, saveSignIn, type SshAddress } from '../session.ts';

export interface LoginOptions {
  tokenFile?: string;
  ssh?: boolean;
  json?: boolean;
}

const exchanged = z.object({ token: z.string().min(1), account: z.string() });

export async function login(url: string | undefined, options: LoginOptions): Promise<ExitStatus> {
  if ((options.ssh === true) === (options.tokenFile !== undefined)) {
    throw wrongUse(
      'Say how to sign in: ph login [URL] --ssh, or ph login [URL] --token-file FILE (- for standard input)',
    );
  }
  const given = url ?? process.env['PH_URL'];
  const origin = given ? originOf(given) : webRemote();
  const found =
    options.tokenFile === undefined
      ? await signInWithSsh(origin)
      : await signInWithToken(origin, readToken(options.tokenFile));
  saveSignIn(found);
  if (options.json) printJson({ forge: found.origin, account: found.account });
  else stdout.line(`signed in to ${found.origin} as ${cleanLine(found.account)}`);
  return exitStatus.done;
}

async function signInWithToken(origin: string | undefined, token: string) {
  if (origin === undefined) throw wrongUse('Which forge? Give its address: ph login URL --token-file FILE');
  const client = new Client(origin, token);
  const account = await client.get('/whoami', { answer: accountView });
  return { origin, token, account: account.name, ssh: await sshOf(client) };
}

/** The link says where the forge is, so a clone over ssh needs no address. */
async function signInWithSsh(origin: string | undefined) {
  const known = origin === undefined ? undefined : await sshOf(new Client(origin));
  const remote = known === undefined ? sshRemote() : undefined;
  const address = known ?? remote;
  if (address === undefined) {
    throw wrongUse('Which forge? Give its address (ph login URL --ssh), or run ph inside a clone over ssh.');
  }
  const link = await askForLink(address);
  const client = new Client(origin ?? link.origin);
  const { token, account } = await client.post('/sessions', { secret: link.secret }, exchanged);
  return { origin: client.origin, token, account, ssh: remote ?? (await sshOf(client)) };
}

async function sshOf(client: Client): Promise<SshAddress> {
  const { sshHost, sshPort } = await client.forge();
  return { host: sshHost, port: sshPort };
}

function webRemote(): string | undefined {
  const remote = readCheckout()?.remotes[0];
  return remote?.address.kind === 'http' ? remote.address.origin : undefined;
}

function sshRemote(): SshAddress | undefined {
  for (const { address } of readCheckout()?.remotes ?? []) {
    if (address.kind === 'ssh') return { host: address.host, port: address.port };
  }
  return undefined;
}

function readToken(file: string): string {
  let content: string;
  try {
    content = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw notFound(`The token file ${file} cannot be read: ${(error as Error).message}.`);
  }
  const token = content.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw wrongUse(`The token file ${file} does not hold one token and nothing else.`);
}

/** Reads the one-time link that the forge prints. */
async function askForLink(address: SshAddress): Promise<{ origin: string; secret: string }> {
  const { host, port } = address;
  const { child, ended } = runSsh({ address, command: 'login', stdio: ['inherit', 'pipe', 'inherit'] });
  const output = child.stdout === null ? '' : await text(child.stdout);
  const status = await ended;
  const link = /(https?:\/\/[^\s/]+)\/login\/([A-Za-z0-9_-]+)/.exec(output);
  if (status === 0 && link?.[1] && link[2]) return { origin: link[1], secret: link[2] };
  const sentence = `ssh to git@${host} port ${port} gave no sign-in link. Is your key known to the forge? Try: ssh -p ${port} git@${host} whoami`;
  throw new Failure(status === 255 ? exitStatus.unreachable : exitStatus.notAllowed, sentence);
}
