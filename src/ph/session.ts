// Which forges this person is signed in to, in one file that nobody else may read.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { wrongUse } from './failure.ts';

const sshAddress = z.object({ host: z.string(), port: z.number() });
export type SshAddress = z.infer<typeof sshAddress>;

const signIn = z.object({
  origin: z.string(),
  token: z.string(),
  account: z.string(),
  /** Where the forge takes ssh, so that an ssh remote is known to be this forge. */
  ssh: sshAddress.nullable(),
});
export type SignIn = z.infer<typeof signIn>;

const sessionFile = z.object({ version: z.literal(1), forges: z.array(signIn) });

function sessionPath(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return join(base, 'pika', 'session.json');
}

/** The sign-ins, the newest first; none when the file does not exist. Refuses a file that it cannot read. */
export function readSignIns(path = sessionPath()): SignIn[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw wrongUse(`The session file ${path} cannot be read: ${(error as Error).message}.`);
  }
  try {
    return sessionFile.parse(JSON.parse(text)).forges;
  } catch {
    throw wrongUse(`The session file ${path} is damaged. Remove it and sign in again: ph login`);
  }
}

export function saveSignIn(entry: SignIn, path = sessionPath()): void {
  const others = readSignIns(path).filter((other) => other.origin !== entry.origin);
  writeSignIns([entry, ...others], path);
}

/** Forgets a forge; answers what was known of it. */
export function forgetSignIn(origin: string, path = sessionPath()): SignIn | undefined {
  const entries = readSignIns(path);
  const gone = entries.find((entry) => entry.origin === origin);
  if (gone !== undefined)
    writeSignIns(
      entries.filter((entry) => entry !== gone),
      path,
    );
  return gone;
}

// Written beside and renamed, so that a reader never sees half a file and the token never lies open.
function writeSignIns(forges: SignIn[], path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify({ version: 1, forges }, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, path);
}

/** `https://host:port` of an address that somebody typed; refuses what is no web address. */
export function originOf(text: string): string {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw wrongUse(`"${text}" is no address of a forge; write it like https://git.example.org`);
  }
  return url.origin;
}
