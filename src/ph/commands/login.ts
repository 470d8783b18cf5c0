// Signing in: with a token from a file, or with the ssh key that git uses already, over the one-time link
// that `ssh … login` prints.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import {
  accountView,
  approvalTokenView,
  approvalView,
  nostrChallenge,
  type TokenScope,
} from '../../accounts/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { homeForge } from '../built-in.ts';
import { readCheckout } from '../checkout.ts';
import { Client } from '../client.ts';
import { Failure, notFound, wrongUse } from '../failure.ts';
import { cleanLine, printJson, stderr, stdout } from '../output.ts';
import { runSsh } from '../run-ssh.ts';
import { originOf, saveSignIn, type SignIn, type SshAddress } from '../session.ts';

export interface LoginOptions {
  tokenFile?: string;
  web?: boolean;
  ssh?: boolean;
  nsecFile?: string;
  /** Of the token that ph gets. */
  scope?: TokenScope;
  json?: boolean;
}

/** Less than the patience of a request. */
const waitSeconds = 20;
const exchanged = z.object({ token: z.string().min(1), account: z.string() });

export async function login(url: string | undefined, options: LoginOptions): Promise<ExitStatus> {
  const ways = [options.web, options.ssh, options.tokenFile, options.nsecFile];
  if (ways.filter((way) => way !== undefined).length > 1) {
    throw wrongUse('Give one way to sign in: --web, --ssh, --token-file FILE or --nsec-file FILE.');
  }
  const given = url ?? process.env['PH_URL'];
  const origin = given ? originOf(given) : (webRemote() ?? forgeOfThisPh(options));
  const found = await signIn(origin, options);
  saveSignIn(found);
  if (options.json) printJson({ forge: found.origin, account: found.account });
  else stdout.line(`signed in to ${found.origin} as ${cleanLine(found.account)}`);
  return exitStatus.done;
}

/** A clone over ssh says by itself which forge `--ssh` is about. */
const forgeOfThisPh = ({ ssh }: LoginOptions): string | undefined =>
  ssh === true && sshRemote() !== undefined ? undefined : homeForge;

function signIn(origin: string | undefined, options: LoginOptions): Promise<SignIn> {
  const { ssh, tokenFile, nsecFile, scope = 'write' } = options;
  if (tokenFile !== undefined) return signInWithToken(origin, readSecret(tokenFile, 'token'));
  if (nsecFile !== undefined) return signInWithNostr(origin, readSecret(nsecFile, 'secret key'), scope);
  return ssh === true ? signInWithSsh(origin, scope) : signInByApproval(origin, scope);
}

/** Shows a link and a code, and waits until a person has opened the one and compared the other. */
async function signInByApproval(origin: string | undefined, scope: TokenScope): Promise<SignIn> {
  if (origin === undefined) {
    throw wrongUse('Which forge? Give its address: ph login URL. Inside a clone over ssh: ph login --ssh');
  }
  const client = new Client(origin);
  const asked = await client.post(
    '/sessions/approval',
    { program: `ph on ${hostname()}`, scope },
    approvalView,
  );
  stderr.line(`Open  ${stderr.paint('bold', cleanLine(asked.url))}`);
  stderr.line(
    `in a browser where you are signed in. The code is ${stderr.paint('bold', cleanLine(asked.code))}.`,
  );
  for (;;) {
    const order = { request: asked.request, timeout: waitSeconds };
    const answer = await client.post('/sessions/approval/token', order, approvalTokenView);
    if (answer.state === 'approved') {
      return { origin, token: answer.token, account: answer.account, ssh: await sshOf(client) };
    }
    if (answer.state === 'denied')
      throw new Failure(exitStatus.notAllowed, 'The sign-in was denied in the browser.');
  }
}

/** Signs the forge's challenge with a secret key of Nostr, which goes nowhere. */
async function signInWithNostr(origin: string | undefined, nsec: string, scope: TokenScope): Promise<SignIn> {
  if (origin === undefined) throw wrongUse('Which forge? Give its address: ph login URL --nsec-file FILE');
  const { readSecretKey, signEvent } = await import('../../lib/nostr.ts');
  const secretKey = readSecretKey(nsec);
  if (secretKey === undefined)
    throw wrongUse('The file holds no secret key of Nostr (nsec1…, or 64 hex digits).');
  const client = new Client(origin);
  const asked = await client.get('/sessions/nostr/challenge', { answer: nostrChallenge });
  // What is signed is good at the address it names: never sign for another forge than the one that was meant.
  if (asked.url !== `${origin}/api/v1/sessions/nostr`) {
    throw wrongUse(
      `This forge calls itself ${new URL(asked.url).origin}; sign in there: ph login ${new URL(asked.url).origin} --nsec-file FILE`,
    );
  }
  const event = signEvent(secretKey, {
    created_at: Math.floor(Date.now() / 1000),
    kind: asked.kind,
    tags: [
      ['u', asked.url],
      ['method', asked.method],
      ['challenge', asked.challenge],
    ],
    content: '',
  });
  const { token, account } = await client.post(
    '/sessions/nostr',
    { event, for: 'program', scope },
    exchanged,
  );
  return { origin, token, account, ssh: await sshOf(client) };
}

async function signInWithToken(origin: string | undefined, token: string): Promise<SignIn> {
  if (origin === undefined) throw wrongUse('Which forge? Give its address: ph login URL --token-file FILE');
  const client = new Client(origin, token);
  const account = await client.get('/whoami', { answer: accountView });
  return { origin, token, account: account.name, ssh: await sshOf(client) };
}

/** The link says where the forge is, so a clone over ssh needs no address. */
async function signInWithSsh(origin: string | undefined, scope: TokenScope): Promise<SignIn> {
  const known = origin === undefined ? undefined : await sshOf(new Client(origin));
  const remote = known === undefined ? sshRemote() : undefined;
  const address = known ?? remote;
  if (address === undefined) {
    throw wrongUse('Which forge? Give its address (ph login URL --ssh), or run ph inside a clone over ssh.');
  }
  const link = await askForLink(address);
  const client = new Client(origin ?? link.origin);
  const { token, account } = await client.post('/sessions', { secret: link.secret, scope }, exchanged);
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

function readSecret(file: string, what: string): string {
  let content: string;
  try {
    content = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw notFound(`The ${what} file ${file} cannot be read: ${(error as Error).message}.`);
  }
  const secret = content.trim();
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw wrongUse(`The ${what} file ${file} does not hold one ${what} and nothing else.`);
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
