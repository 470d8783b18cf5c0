// Reads objects of one repository through one long-lived `git cat-file --batch-command`, which answers in
// a tenth of a millisecond where a git of its own costs two. The pool keeps the most recently used few.
import { join } from 'node:path';
import { ByteReader } from './byte-reader.ts';
import { readLoose } from './loose.ts';
import type { Git } from './run.ts';
import type { RunningGit } from './spawner.ts';

const maxReaders = 8;
// Short, so that an idle forge keeps no git: a burst of reads shares one, the next burst starts another.
const idleMs = 250;
// As many as fit into the pipe by which git answers, should nobody read meanwhile.
const headsAtOnce = 500;

export interface ObjectHead {
  oid: string;
  type: string;
  size: number;
}

export interface GitObject extends ObjectHead {
  /** Undefined when the object is larger than what was asked for. */
  content: Buffer | undefined;
}

class ObjectReader {
  readonly #child: RunningGit;
  readonly #answers: ByteReader;
  readonly #onIdle: () => void;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  isDead = false;

  constructor(git: Git, repo: string, onIdle: () => void) {
    this.#onIdle = onIdle;
    this.#child = git.spawn(['cat-file', '--batch-command', '-z'], { repo });
    this.#answers = new ByteReader(this.#child.stdout);
    // A broken pipe or a missing git shows as the end of the output; the reader is then replaced.
    this.#child.on('error', () => undefined);
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.resume();
    this.#child.on('close', () => (this.isDead = true));
  }

  read(expression: string, maxBytes: number): Promise<GitObject | undefined> {
    return this.#queue(() => this.#ask(expression, maxBytes));
  }

  readHeads(expressions: readonly string[]): Promise<(ObjectHead | undefined)[]> {
    return this.#queue(() => this.#askHeads(expressions));
  }

  /** One answer after the other: the pipe carries them in the order of the questions. */
  #queue<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    clearTimeout(this.#timer);
    this.#waiting += 1;
    const answer = this.#turn.then(ask);
    this.#turn = answer
      .catch(() => this.close())
      .finally(() => {
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#timer = setTimeout(this.#onIdle, idleMs);
      });
    return answer;
  }

  /** For one that was pushed out of the pool: it may still have questions to answer. */
  closeWhenIdle(): void {
    void this.#turn.finally(() => this.close());
  }

  close(): void {
    clearTimeout(this.#timer);
    this.isDead = true;
    this.#child.kill('SIGKILL');
  }

  async #ask(expression: string, maxBytes: number): Promise<GitObject | undefined> {
    this.#child.stdin.write(`info ${expression}\0`);
    const header = await this.#readHeader(expression);
    if (header === undefined) return undefined;
    if (header.size > maxBytes) return { ...header, content: undefined };
    this.#child.stdin.write(`contents ${header.oid}\0`);
    await this.#readHeader(header.oid);
    const content = await this.#answers.readBytes(header.size);
    await this.#answers.readBytes(1);
    return { ...header, content };
  }

  /** Many questions in one write; their answers are lines, which never fill the pipe that git reads from. */
  async #askHeads(expressions: readonly string[]): Promise<(ObjectHead | undefined)[]> {
    const heads: (ObjectHead | undefined)[] = [];
    for (let from = 0; from < expressions.length; from += headsAtOnce) {
      const part = expressions.slice(from, from + headsAtOnce);
      this.#child.stdin.write(part.map((expression) => `info ${expression}\0`).join(''));
      for (const expression of part) heads.push(await this.#readHeader(expression));
    }
    return heads;
  }

  // `<oid> <type> <size>`, or the expression itself (which may hold newlines) and why there is no object.
  async #readHeader(expression: string): Promise<ObjectHead | undefined> {
    const lines = expression.split('\n').length;
    let header = await this.#answers.readLine();
    const match = /^([0-9a-f]{40}) ([a-z]+) (\d+)$/.exec(header);
    if (match !== null) return { oid: match[1] ?? '', type: match[2] ?? '', size: Number(match[3]) };
    for (let line = 1; line < lines; line += 1) header += `\n${await this.#answers.readLine()}`;
    return undefined;
  }
}

const pools = new WeakMap<Git, Map<string, ObjectReader>>();

/**
 * Reads what `expression` (an object id, or `<oid>:<path>`) names, up to `maxBytes`; undefined when there is
 * no such object. Throws when it starts with anything but an object id.
 */
export async function readObject(
  git: Git,
  repo: string,
  what: { expression: string; maxBytes: number },
): Promise<GitObject | undefined> {
  const { expression, maxBytes } = what;
  if (!/^[0-9a-f]{40}(?::|$)/.test(expression))
    throw new TypeError(`no object id: ${expression.slice(0, 60)}`);
  // `./` and `../` mean "from here" to git, which ends with an error because a bare repository has no here.
  if (expression.includes('\0') || /^[^:]*:\.\.?(?:\/|$)/.test(expression)) return undefined;
  const isOpen = pools.get(git)?.has(repo) === true;
  // What was pushed a moment ago is loose, and is read before a git would have started.
  const loose =
    isOpen || expression.length > 40
      ? undefined
      : await readLoose(join(repo, 'objects'), { oid: expression, maxBytes });
  if (loose !== undefined) return loose;
  const reader = readerOf(git, repo);
  try {
    return await reader.read(expression, maxBytes);
  } catch (error) {
    // Another question may have ended the git that this one was waiting for; alone, it gets its own answer.
    if (!reader.isDead) throw error;
    return readerOf(git, repo).read(expression, maxBytes);
  }
}

/**
 * What each of `expressions` names and how large it is, in their order; undefined for what does not exist. Each is
 * an object id (with `^{commit}` for what a tag leads to), or a full ref name that git allows; that is on the caller.
 */
export async function readHeads(
  git: Git,
  repo: string,
  expressions: readonly string[],
): Promise<(ObjectHead | undefined)[]> {
  if (expressions.length === 0) return [];
  const odd = expressions.find(
    (expression) => !/^(?:[0-9a-f]{40}|refs\/[^\0\n]+)(?:\^\{[a-z]+\})?$/.test(expression),
  );
  if (odd !== undefined) throw new TypeError(`no object id or ref: ${odd.slice(0, 60)}`);
  const reader = readerOf(git, repo);
  try {
    return await reader.readHeads(expressions);
  } catch (error) {
    if (!reader.isDead) throw error;
    return readerOf(git, repo).readHeads(expressions);
  }
}

/** Ends every reader of a git at once; what is being read fails. */
export function closeReaders(git: Git): void {
  for (const reader of pools.get(git)?.values() ?? []) reader.close();
  pools.delete(git);
}

function openReader(git: Git, repo: string, pool: Map<string, ObjectReader>): ObjectReader {
  const reader: ObjectReader = new ObjectReader(git, repo, () => {
    if (pool.get(repo) === reader) pool.delete(repo);
    reader.close();
  });
  return reader;
}

function readerOf(git: Git, repo: string): ObjectReader {
  const pool = pools.get(git) ?? new Map<string, ObjectReader>();
  pools.set(git, pool);
  const existing = pool.get(repo);
  const reader = existing === undefined || existing.isDead ? openReader(git, repo, pool) : existing;
  // The map keeps the order of use: the first one is the one that was not asked for longest.
  pool.delete(repo);
  pool.set(repo, reader);
  for (const [oldest, other] of pool) {
    if (pool.size <= maxReaders) break;
    pool.delete(oldest);
    other.closeWhenIdle();
  }
  return reader;
}
