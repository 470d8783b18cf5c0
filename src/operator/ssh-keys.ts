// `pika-git ssh-keys TYPE KEY`: the AuthorizedKeysCommand of the system's sshd. It prints the offered key, bound to
// `pika-git ssh-serve`, when the forge knows it, and nothing otherwise. sshd itself verifies the signature.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { asksForKey } from '../transport/reach-forge.ts';

const launcher = fileURLToPath(new URL('../pika-git', import.meta.url));
const usage = 'sshd calls it: AuthorizedKeysCommand …/pika-git ssh-keys --data DIR %t %k';

/** Answers the exit status; a key that is not known is no failure. */
export async function listSshKeys(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { data: { type: 'string' } },
    allowPositionals: true,
    strict: false,
  });
  const data = resolve(typeof values['data'] === 'string' ? values['data'] : 'data');
  const [type = '', encoded = '', ...more] = positionals;
  if (!/^[a-z0-9@.-]+$/.test(type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || more.length > 0) {
    process.stderr.write(`pika-git: ssh-keys takes the type of a key and the key; ${usage}\n`);
    return 2;
  }
  // In its one canonical spelling, as it is on file.
  const key = Buffer.from(encoded, 'base64').toString('base64');
  const isKnown = (await asksForKey(data, key)) ?? (await isOnFile(data, key));
  if (isKnown) process.stdout.write(`restrict,command="${forcedCommand(data, key)}" ${type} ${key}\n`);
  return 0;
}

/** The forge is down: its users are let in all the same, to be told so. */
async function isOnFile(data: string, key: string): Promise<boolean> {
  const database = `${data}/forge.db`;
  if (!existsSync(database)) return false;
  const [{ Db }, { isKnownKey }] = await Promise.all([
    import('../db/open.ts'),
    import('../accounts/known-key.ts'),
  ]);
  const db = new Db(database);
  try {
    return isKnownKey({ db }, key);
  } finally {
    db.close();
  }
}

/** A line for a shell, inside of the quotes of authorized_keys (sshd(8)), where only the quote itself is escaped. */
const forcedCommand = (data: string, key: string): string =>
  [launcher, 'ssh-serve', '--data', data, '--key', key]
    .map((word) => (/^[A-Za-z0-9_./+=:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
    .replaceAll('"', '\\"');
