// How many files a tree holds when it is written out, and how deep they lie. A dozen objects can spell more paths
// than any disk holds (each folder naming the next one ten times), so the count comes from the objects, each read
// once, and never from walking the paths.
import { ByteReader } from './byte-reader.ts';
import { GitError, type Git } from './run.ts';
import type { RunningGit } from './spawner.ts';

export interface TreeExtent {
  /** Files, symbolic links and submodules, each as often as it has a path. May be astronomical. */
  files: number;
  /** Names in the longest path; 0 for an empty tree. */
  depth: number;
}

export interface ObjectStore {
  /** The bare repository, as an absolute path. */
  repo: string;
  /** Where git looks for objects besides, as for a push in quarantine. */
  env?: Record<string, string>;
}

// Objects never change, so one table serves every repository; the oldest leave first.
const maxKnown = 50_000;
const known = new Map<string, TreeExtent>();
// How many answers may wait in the pipe to git.
const maxAsked = 1000;

export interface Trees {
  /** Asked of git: `<object id>` of a tree, or `<object id>^{tree}`; what names no tree is passed over. */
  names: readonly string[];
  /** Trees whose content is at hand, by object id. */
  contents?: ReadonlyMap<string, Buffer>;
}

/** The extent of the largest and that of the deepest of these trees. */
export async function measureTrees(git: Git, store: ObjectStore, trees: Trees): Promise<TreeExtent> {
  const reader = new TreeReader(git, store);
  try {
    return await new Survey().measure(reader, trees);
  } catch (error) {
    throw new GitError(['cat-file'], undefined, reader.complaint || String(error));
  } finally {
    reader.close();
  }
}

/** A tree of which some folders are not measured yet. */
interface Pending extends TreeExtent {
  oid: string;
  missing: number;
}

/**
 * Adds trees up as they come, in any order. A tree whose folders are measured is a sum at once, and nothing else of it
 * is kept; the others wait for their folders. Object ids are 20 bytes in latin1.
 */
class Survey {
  // What was known when it was met: others may push it out of the table meanwhile.
  readonly #measured = new Map<string, TreeExtent>();
  readonly #waiting = new Map<string, Pending[]>();
  readonly #pending = new Set<string>();
  readonly #largest: TreeExtent = { files: 0, depth: 0 };

  async measure(reader: TreeReader, { names, contents }: Trees): Promise<TreeExtent> {
    const add = (oid: string, content: Buffer) => this.#add(oid, content);
    for (const [name, content] of contents ?? []) add(Buffer.from(name, 'hex').toString('latin1'), content);
    await reader.ask(
      names.filter((name) => !this.#isKnown(name)),
      add,
    );
    for (let below = this.#awaited(); below.length > 0; below = this.#awaited()) {
      await reader.ask(below, add);
      for (const name of below) {
        const oid = Buffer.from(name, 'hex').toString('latin1');
        // What is missing in the repository counts as empty.
        if (!this.#pending.has(oid)) this.#complete(oid, nothing);
      }
    }
    this.#remember();
    return this.#largest;
  }

  #isKnown(name: string): boolean {
    const oid = name.length === 40 ? Buffer.from(name, 'hex').toString('latin1') : '';
    const extent = known.get(oid);
    if (extent !== undefined) this.#complete(oid, extent);
    return extent !== undefined;
  }

  /** What is waited for and was not read yet. */
  #awaited(): string[] {
    const oids = [...this.#waiting.keys()].filter((oid) => !this.#pending.has(oid));
    return oids.map((oid) => Buffer.from(oid, 'latin1').toString('hex'));
  }

  #add(oid: string, content: Buffer): void {
    if (this.#measured.has(oid) || this.#pending.has(oid)) return;
    const tree: Pending = { oid, files: 0, depth: 0, missing: 0 };
    for (const folder of foldersIn(content, tree)) {
      const extent = this.#measured.get(folder) ?? known.get(folder);
      if (extent !== undefined) addFolder(tree, extent);
      else {
        tree.missing += 1;
        const others = this.#waiting.get(folder);
        if (others === undefined) this.#waiting.set(folder, [tree]);
        else others.push(tree);
      }
    }
    if (tree.missing === 0) this.#complete(oid, tree);
    else this.#pending.add(oid);
  }

  /** Also completes what waited for it, with a list of its own: whoever pushes decides how deep the folders lie. */
  #complete(oid: string, extent: TreeExtent): void {
    const done: { oid: string; extent: TreeExtent }[] = [{ oid, extent }];
    for (let next = done.pop(); next !== undefined; next = done.pop()) {
      if (this.#measured.has(next.oid)) continue;
      const { files, depth } = next.extent;
      this.#pending.delete(next.oid);
      this.#measured.set(next.oid, { files, depth });
      this.#largest.files = Math.max(this.#largest.files, files);
      this.#largest.depth = Math.max(this.#largest.depth, depth);
      const parents = this.#waiting.get(next.oid) ?? [];
      this.#waiting.delete(next.oid);
      for (const parent of parents) {
        addFolder(parent, next.extent);
        parent.missing -= 1;
        if (parent.missing === 0) done.push({ oid: parent.oid, extent: parent });
      }
    }
  }

  #remember(): void {
    for (const [oid, extent] of this.#measured) {
      known.delete(oid);
      known.set(oid, extent);
    }
    for (const oid of known.keys()) {
      if (known.size <= maxKnown) break;
      known.delete(oid);
    }
  }
}

const nothing: TreeExtent = { files: 0, depth: 0 };

function addFolder(tree: TreeExtent, { files, depth }: TreeExtent): void {
  tree.files += files;
  tree.depth = Math.max(tree.depth, depth + 1);
}

/** Asks one git, started when it is needed, for many trees at once and reads its answers as they come. */
class TreeReader {
  readonly #git: Git;
  readonly #store: ObjectStore;
  #child: RunningGit | undefined;
  #answers: ByteReader | undefined;
  complaint = '';

  constructor(git: Git, store: ObjectStore) {
    this.#git = git;
    this.#store = store;
  }

  close(): void {
    this.#child?.kill('SIGKILL');
  }

  #start(): RunningGit {
    const { repo, env } = this.#store;
    const args = ['cat-file', '--batch-command', '--buffer'];
    const child = this.#git.spawn(args, { repo, ...(env && { env }) });
    child.stderr.on('data', (chunk: Buffer) => {
      this.complaint = (this.complaint + chunk.toString()).slice(-4096);
    });
    child.stdin.on('error', () => undefined);
    // A git that does not start shows as the end of its output.
    child.on('error', () => undefined);
    return child;
  }

  /** Hands over each tree's object id (20 bytes in latin1) and content, in the order asked; what is no tree is left out. */
  async ask(expressions: readonly string[], take: (oid: string, content: Buffer) => void): Promise<void> {
    if (expressions.length === 0) return;
    this.#child ??= this.#start();
    this.#answers ??= new ByteReader(this.#child.stdout);
    for (let from = 0; from < expressions.length; from += maxAsked) {
      const part = expressions.slice(from, from + maxAsked);
      this.#child.stdin.write(`${part.map((name) => `contents ${name}\n`).join('')}flush\n`);
      for (const _name of part) {
        const line = this.#answers.takeLine() ?? (await this.#answers.readLine());
        const [name = '', type = '', size] = line.split(' ', 3);
        if (!isObject(name, type)) continue;
        const count = Number(size) + 1;
        const content = this.#answers.takeBytes(count) ?? (await this.#answers.readBytes(count));
        if (type !== 'tree') continue;
        take(Buffer.from(name, 'hex').toString('latin1'), content.subarray(0, -1));
      }
    }
  }
}

/** `<object id> <type> <size>`, against `<what was asked> missing`. */
const isObject = (name: string, type: string): boolean => /^[0-9a-f]{40}$/.test(name) && type !== 'missing';

const nul = 0;
const digit0 = 48;
const digit4 = 52;

/**
 * The object ids of the folders in a tree; everything else is counted into `tree` at once. Entries are
 * `<mode> <name>\0<20 bytes>`; the mode of a folder is 40000 (git writes no leading zero, others do).
 */
function* foldersIn(content: Buffer, tree: TreeExtent): Generator<string> {
  let at = 0;
  while (at < content.length) {
    const isFolder = content[at] === digit4 || content[at] === digit0;
    // A walk of our own: most names are shorter than a call of the runtime.
    while (at < content.length && content[at] !== nul) at += 1;
    if (at >= content.length) return;
    if (isFolder) yield content.toString('latin1', at + 1, at + 21);
    else {
      tree.files += 1;
      tree.depth = Math.max(tree.depth, 1);
    }
    at += 21;
  }
}
