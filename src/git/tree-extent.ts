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

interface Folder {
  ownFiles: number;
  /** Its folders, as object ids of 20 bytes in latin1, as often as they are named. */
  folders: string[];
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

export interface Trees {
  /** Asked of git: `<object id>` of a tree, or `<object id>^{tree}`; what names no tree is passed over. */
  names: readonly string[];
  /** Trees whose content is at hand, by object id. */
  contents?: ReadonlyMap<string, Buffer>;
}

/** The extent of the largest and that of the deepest of these trees. */
export async function measureTrees(git: Git, store: ObjectStore, trees: Trees): Promise<TreeExtent> {
  const reader = new FolderReader(git, store);
  try {
    return largestOf(await readFolders(reader, trees));
  } catch (error) {
    throw new GitError(['cat-file'], undefined, reader.complaint || String(error));
  } finally {
    reader.close();
  }
}

interface Survey {
  roots: string[];
  folders: Map<string, Folder>;
  /** What was known when it was met: others may push it out of the table meanwhile. */
  measured: Map<string, TreeExtent>;
}

/** Reads the roots and, level by level, every folder below them that is not known yet. */
async function readFolders(reader: FolderReader, { names, contents }: Trees): Promise<Survey> {
  const folders = new Map<string, Folder>();
  const measured = new Map<string, TreeExtent>();
  const roots: string[] = [];
  let next = new Set<string>();
  const keep = (oid: string, folder: Folder) => {
    folders.set(oid, folder);
    for (const child of folder.folders) {
      const extent = known.get(child);
      if (extent !== undefined) measured.set(child, extent);
      else if (!folders.has(child)) next.add(child);
    }
  };
  for (const [name, content] of contents ?? []) {
    const oid = Buffer.from(name, 'hex').toString('latin1');
    roots.push(oid);
    keep(oid, parseTree(content));
  }
  const isKnown = (name: string): boolean => {
    const oid = Buffer.from(name, 'hex').toString('latin1');
    const extent = name.length === 40 ? known.get(oid) : undefined;
    if (extent === undefined) return false;
    roots.push(oid);
    measured.set(oid, extent);
    return true;
  };
  for await (const [oid, folder] of reader.ask(names.filter((name) => !isKnown(name)))) {
    roots.push(oid);
    keep(oid, folder);
  }
  while (next.size > 0) {
    const wanted = [...next].filter((oid) => !folders.has(oid));
    next = new Set();
    const below = wanted.map((oid) => Buffer.from(oid, 'latin1').toString('hex'));
    for await (const [oid, folder] of reader.ask(below)) keep(oid, folder);
  }
  return { roots, folders, measured };
}

function largestOf({ roots, folders, measured }: Survey): TreeExtent {
  const largest: TreeExtent = { files: 0, depth: 0 };
  for (const root of roots) {
    const { files, depth } = measure(root, folders, measured);
    largest.files = Math.max(largest.files, files);
    largest.depth = Math.max(largest.depth, depth);
  }
  for (const [oid, extent] of measured) {
    known.delete(oid);
    known.set(oid, extent);
  }
  for (const oid of known.keys()) {
    if (known.size <= maxKnown) break;
    known.delete(oid);
  }
  return largest;
}

const nothing: TreeExtent = { files: 0, depth: 0 };

/** Below first, with a stack of its own: whoever pushes decides how deep the folders lie. */
function measure(
  root: string,
  folders: ReadonlyMap<string, Folder>,
  measured: Map<string, TreeExtent>,
): TreeExtent {
  const stack = [root];
  for (let oid = stack.at(-1); oid !== undefined; oid = stack.at(-1)) {
    const folder = folders.get(oid);
    const open = folder?.folders.filter((child) => folders.has(child) && !measured.has(child)) ?? [];
    if (open.length > 0) stack.push(...new Set(open));
    else {
      stack.pop();
      // A folder that is missing counts as empty.
      if (folder !== undefined)
        measured.set(
          oid,
          sumOf(folder, (child) => measured.get(child) ?? nothing),
        );
    }
  }
  return measured.get(root) ?? nothing;
}

function sumOf(folder: Folder, find: (oid: string) => TreeExtent): TreeExtent {
  const sum: TreeExtent = { files: folder.ownFiles, depth: folder.ownFiles > 0 ? 1 : 0 };
  for (const child of folder.folders) {
    const { files, depth } = find(child);
    sum.files += files;
    sum.depth = Math.max(sum.depth, depth + 1);
  }
  return sum;
}

/** Asks one git, started when it is needed, for many trees at once and reads its answers as they come. */
class FolderReader {
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

  /** Each tree's object id (20 bytes in latin1) and content, in the order asked; what is no tree is left out. */
  async *ask(expressions: readonly string[]): AsyncGenerator<[string, Folder]> {
    if (expressions.length === 0) return;
    this.#child ??= this.#start();
    this.#answers ??= new ByteReader(this.#child.stdout);
    for (let from = 0; from < expressions.length; from += 1000) {
      const part = expressions.slice(from, from + 1000);
      this.#child.stdin.write(`${part.map((name) => `contents ${name}\n`).join('')}flush\n`);
      for (const _name of part) {
        const answer = await readFolder(this.#answers);
        if (answer !== undefined) yield answer;
      }
    }
  }
}

async function readFolder(answers: ByteReader): Promise<[string, Folder] | undefined> {
  const header = /^([0-9a-f]{40}) ([a-z]+) (\d+)$/.exec(await answers.readLine());
  if (header === null) return undefined;
  const content = await answers.readBytes(Number(header[3]) + 1);
  if (header[2] !== 'tree') return undefined;
  return [Buffer.from(header[1] ?? '', 'hex').toString('latin1'), parseTree(content.subarray(0, -1))];
}

/** Entries are `<mode> <name>\0<20 bytes>`; the mode of a folder is 40000 (git writes no leading zero, others do). */
function parseTree(content: Buffer): Folder {
  const folder: Folder = { ownFiles: 0, folders: [] };
  let at = 0;
  while (at < content.length) {
    const end = content.indexOf(0, at);
    if (end < 0) break;
    const isFolder = content[at] === 52 /* 4 */ || content[at] === 48; /* 0 */
    if (isFolder) folder.folders.push(content.toString('latin1', end + 1, end + 21));
    else folder.ownFiles += 1;
    at = end + 21;
  }
  return folder;
}
