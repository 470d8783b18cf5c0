// Everything a commit says of itself, read from its object: people, times with their zone, message, signature.
import { readObject } from './object-reader.ts';
import type { Git } from './run.ts';

export interface Signer {
  name: string;
  email: string;
  /** UTC milliseconds. */
  at: number;
  /** As it was written, e.g. `+0200`. */
  zone: string;
}

export interface Commit {
  oid: string;
  tree: string;
  parents: string[];
  author: Signer;
  committer: Signer;
  /** What kind of signature it carries; whether it holds is not looked at. */
  signature: 'OpenPGP' | 'SSH' | 'X.509' | undefined;
  /** The first paragraph on one line, and the rest. */
  subject: string;
  body: string;
}

export const maxCommitBytes = 1024 * 1024;

/** The commit, or undefined when the id is none of the repository, or says more than `maxCommitBytes`. */
export async function readCommit(git: Git, repo: string, oid: string): Promise<Commit | undefined> {
  const object = await readObject(git, repo, { expression: oid, maxBytes: maxCommitBytes });
  if (object?.type !== 'commit' || object.content === undefined) return undefined;
  return parseCommitObject(object.oid, object.content);
}

/** Reads header lines, an empty line, the message (gitformat: commit). */
export function parseCommitObject(oid: string, content: Buffer): Commit {
  const end = content.indexOf('\n\n');
  // Latin-1 keeps the bytes apart until it is known in which encoding they are.
  const head = content.toString('latin1', 0, end < 0 ? content.length : end);
  // What goes on in a further line starts with a space there, and so has no name.
  const headers = head.split('\n').map((line): [string, string] => {
    const space = line.indexOf(' ');
    return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
  });
  const valueOf = (name: string): string => headers.find(([key]) => key === name)?.[1] ?? '';
  const decode = decoderOf(valueOf('encoding'));
  return {
    oid,
    tree: valueOf('tree'),
    parents: headers.filter(([name]) => name === 'parent').map(([, value]) => value),
    author: parseSigner(valueOf('author'), decode),
    committer: parseSigner(valueOf('committer'), decode),
    signature: signatureOf(valueOf('gpgsig')),
    ...parseMessage(end < 0 ? '' : decode(content.subarray(end + 2))),
  };
}

type Decode = (bytes: Uint8Array) => string;

/** A message is UTF-8 unless it says otherwise; an encoding that nobody knows is read as if it said nothing. */
function decoderOf(encoding: string): Decode {
  try {
    const decoder = new TextDecoder(encoding === '' ? 'utf-8' : encoding);
    return (bytes) => decoder.decode(bytes);
  } catch {
    return (bytes) => Buffer.from(bytes).toString('utf8');
  }
}

function parseSigner(line: string, decode: Decode): Signer {
  // No name holds a `<`; were it allowed to, a long line of them would be tried at each.
  const match = /^([^<]*)<([^>]*)> (-?\d{1,14}) ?([+-]\d{4})?/.exec(line);
  const [, name = '', email = '', seconds = '0', zone = '+0000'] = match ?? [];
  const text = (bytes: string): string => decode(Buffer.from(bytes, 'latin1'));
  return { name: text(name).trim(), email: text(email), at: Number(seconds) * 1000, zone };
}

function signatureOf(text: string): Commit['signature'] {
  if (text.includes('BEGIN SSH SIGNATURE')) return 'SSH';
  if (text.includes('BEGIN SIGNED MESSAGE')) return 'X.509';
  return text === '' ? undefined : 'OpenPGP';
}

function parseMessage(message: string): Pick<Commit, 'subject' | 'body'> {
  const text = message
    .replaceAll('\r\n', '\n')
    .replace(/^\s*\n/, '')
    .trimEnd();
  const end = /\n[ \t]*\n/.exec(text);
  const subject = (end === null ? text : text.slice(0, end.index)).replaceAll(/\s+/g, ' ').trim();
  return { subject, body: end === null ? '' : text.slice(end.index + end[0].length).replace(/^\n+/, '') };
}
