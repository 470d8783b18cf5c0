// A client of git that pushes commits made beforehand, in the smart HTTP protocol (gitprotocol-http(5),
// gitprotocol-pack(5)) and without a git of its own: real ones at twenty a second leave the machine to nobody else.
import { createHash } from 'node:crypto';
import { Agent, request as send } from 'node:http';
import { deflateSync } from 'node:zlib';

export interface MadeCommit {
  oid: string;
  /** The commit with its trees and files, each whole. */
  pack: Buffer;
}

/** What a commit is made on. */
export interface Ground {
  oid: string;
  /** The content of its tree, as git stores it. */
  tree: Buffer;
}

type Kind = 'commit' | 'tree' | 'blob';
/** gitformat-pack(5): the types of objects in a pack. */
const packTypes: Record<Kind, number> = { commit: 1, tree: 2, blob: 3 };
const noOid = '0'.repeat(40);

interface RawObject {
  kind: Kind;
  content: Buffer;
}

/** A commit on top of `ground` that adds a file in a folder of its own, which must be nobody else's. */
export function makeCommit(ground: Ground, { name, seconds }: { name: string; seconds: number }): MadeCommit {
  const blob: RawObject = { kind: 'blob', content: Buffer.from(`${name}\n`) };
  const folder: RawObject = { kind: 'tree', content: entry('100644', 'a.txt', blob) };
  const tree: RawObject = { kind: 'tree', content: withFolder(ground.tree, name, folder) };
  const who = `A <a@example.org> ${seconds} +0000`;
  const text = `tree ${oidOf(tree)}\nparent ${ground.oid}\nauthor ${who}\ncommitter ${who}\n\nAdd ${name}\n`;
  const commit: RawObject = { kind: 'commit', content: Buffer.from(text) };
  return { oid: oidOf(commit), pack: packOf([commit, tree, folder, blob]) };
}

const oidOf = ({ kind, content }: RawObject): string =>
  createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest('hex');

const entry = (mode: string, name: string, object: RawObject): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oidOf(object), 'hex')]);

/** Git sorts the entries of a tree by their names, with a slash behind those of folders. */
function withFolder(tree: Buffer, name: string, folder: RawObject): Buffer {
  let at = 0;
  while (at < tree.length) {
    const end = tree.indexOf(0, at);
    const [mode = '', other = ''] = tree.toString('latin1', at, end).split(' ', 2);
    if ((mode.startsWith('4') ? `${other}/` : other) > `${name}/`) break;
    at = end + 21;
  }
  return Buffer.concat([tree.subarray(0, at), entry('40000', name, folder), tree.subarray(at)]);
}

function packOf(objects: readonly RawObject[]): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(objects.length, 8);
  const body = Buffer.concat([
    head,
    ...objects.flatMap((object) => [headOf(object), deflateSync(object.content)]),
  ]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

/** Type and size: four bits of the size beside the type, then seven in each byte. */
function headOf({ kind, content }: RawObject): Buffer {
  const bytes: number[] = [];
  let byte = (packTypes[kind] << 4) | (content.length & 15);
  for (let rest = content.length >> 4; rest > 0; rest >>= 7) {
    bytes.push(byte | 128);
    byte = rest & 127;
  }
  return Buffer.from([...bytes, byte]);
}

export class WirePusher {
  readonly #url: URL;
  readonly #authorization: string;
  readonly #agent = new Agent({ keepAlive: true });

  /** `url` is that of a repository, with the name and the token of who pushes. */
  constructor(url: string) {
    const { username, password, origin, pathname } = new URL(url);
    this.#url = new URL(`${origin}${pathname}`);
    this.#authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  /** Pushes to a ref that is not there yet, with the two requests of git; throws unless the server says that it took it. */
  async push(ref: string, { oid, pack }: MadeCommit): Promise<void> {
    const listed = await this.#ask('GET', 'info/refs?service=git-receive-pack');
    if (listed.includes(` ${ref}\n`)) throw new Error(`${ref} is there already`);
    const command = `${noOid} ${oid} ${ref}\0report-status side-band-64k agent=wire`;
    const answer = await this.#ask(
      'POST',
      'git-receive-pack',
      Buffer.concat([pktLine(command), Buffer.from('0000'), pack]),
    );
    if (!answer.includes('unpack ok\n') || !answer.includes(`ok ${ref}\n`))
      throw new Error(`${ref}: ${answer}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(method: 'GET' | 'POST', what: string, body?: Buffer): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const headers: Record<string, string> = { authorization: this.#authorization };
    if (body !== undefined) headers['content-type'] = `application/x-${what}-request`;
    const asked = send(`${this.#url.href}/${what}`, { method, headers, agent: this.#agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('latin1');
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${method} ${what}: ${response.statusCode} ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
    return promise;
  }
}

const pktLine = (text: string): Buffer =>
  Buffer.from(`${(text.length + 4).toString(16).padStart(4, '0')}${text}`, 'latin1');
