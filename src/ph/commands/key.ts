// SSH keys of one's account, or with --deploy those of a repository. Only public keys are read and sent.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  deployKeysView,
  deployKeyView,
  keysView,
  keyView,
  type DeployKeyView,
  type KeyView,
} from '../../accounts/credentials-model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import type { Client } from '../client.ts';
import { notFound, wrongUse } from '../failure.ts';
import { cleanLine, printJson, printTable, stderr, stdout } from '../output.ts';
import { findForge, findPlace, repoRoute } from '../place.ts';

export interface KeyOptions {
  deploy?: boolean;
  repo?: string;
  json?: boolean;
}

export interface AddKeyOptions extends KeyOptions {
  label?: string;
  write?: boolean;
}

export async function addKey(file: string | undefined, options: AddKeyOptions): Promise<ExitStatus> {
  const { deploy, write, label, json } = options;
  if (write && !deploy) throw wrongUse('Only a deploy key is given the right to write: --deploy --write');
  const text = readPublicKey(file ?? join(homedir(), '.ssh', 'id_ed25519.pub'));
  const { client, path, whose } = await findHolder(options);
  const order = { text, ...(label === undefined ? {} : { label }) };
  const right = write ? 'write' : 'read';
  const added = deploy
    ? await client.post(path, { ...order, right }, deployKeyView)
    : await client.post(path, order, keyView);
  if (json) printJson(added);
  else stdout.line(`${cleanLine(added.label)} (${cleanLine(added.fingerprint)}) is a key of ${whose}`);
  return exitStatus.done;
}

export async function listKeys(options: KeyOptions): Promise<ExitStatus> {
  const { client, path, whose } = await findHolder(options);
  const answer = await readKeys(client, path, options);
  if (options.json) printJson(answer);
  else if (answer.keys.length === 0) stderr.line(`There are no keys of ${whose}.`);
  else printTable(answer.keys.map(rowOf));
  return exitStatus.done;
}

export async function removeKey(named: string, options: KeyOptions): Promise<ExitStatus> {
  const { client, path, whose } = await findHolder(options);
  const { keys } = await readKeys(client, path, options);
  const key = keys.find(({ id, fingerprint }) => String(id) === named || fingerprint === named);
  if (key === undefined) {
    throw notFound(`"${named}" is the number or fingerprint of no key of ${whose}; ph key list says them.`);
  }
  await client.remove(`${path}/${key.id}`);
  if (options.json) printJson({ removed: key.id });
  else stdout.line(`${cleanLine(key.label)} (${cleanLine(key.fingerprint)}) is no key of ${whose} any more`);
  return exitStatus.done;
}

const readKeys = (
  client: Client,
  path: string,
  { deploy }: KeyOptions,
): Promise<{ keys: (KeyView | DeployKeyView)[] }> =>
  deploy ? client.get(path, { answer: deployKeysView }) : client.get(path, { answer: keysView });

async function findHolder(options: KeyOptions): Promise<{ client: Client; path: string; whose: string }> {
  if (!options.deploy) {
    if (options.repo !== undefined) throw wrongUse('A repository has deploy keys alone: give --deploy, too.');
    return { client: await findForge(), path: '/account/keys', whose: 'your account' };
  }
  const place = await findPlace({ repo: options.repo });
  const { client, owner, repo } = place;
  return { client, path: `${repoRoute(place)}/deploy-keys`, whose: `${owner}/${repo}` };
}

function readPublicKey(file: string): string {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  } catch (error) {
    throw notFound(
      `The key file ${file} cannot be read: ${(error as Error).message}. ssh-keygen -t ed25519 makes a key.`,
    );
  }
  if (!text.includes('PRIVATE KEY')) return text;
  throw wrongUse(`${file} is a private key; it stays here. Give the file that ends in .pub.`);
}

const rowOf = (key: KeyView | DeployKeyView): string[] => [
  String(key.id),
  cleanLine(key.label),
  ...('right' in key ? [key.right] : []),
  cleanLine(key.fingerprint),
  key.lastUsedAt === null ? 'never used' : `used ${key.lastUsedAt.slice(0, 10)}`,
];
