// Makes repositories that look like real ones to git: nested folders, files that change a few lines at a time, so
// that packs hold chains of deltas. The same numbers make the same repository.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { outputOf } from '../support/run-program.ts';

export interface RepoShape {
  name: string;
  commits: number;
  files: number;
  /** Branches beside main, each one commit on top of some older commit. */
  branches?: number;
}

export interface MadeRepo {
  shape: RepoShape;
  /** The bare repository's folder: one pack with a bitmap, packed refs. */
  folder: string;
  objects: number;
  packBytes: number;
  main: string;
  /** Paths of files on main. */
  paths: string[];
}

export const plainEnvironment = (home: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
});

/** Makes the repository in `folder`, which must not exist. */
export async function makeRepo(shape: RepoShape, folder: string): Promise<MadeRepo> {
  const env = plainEnvironment(folder);
  const git = (...args: string[]): Promise<string> =>
    outputOf(['git', '--git-dir', folder, ...args], { cwd: '/', env, timeoutMs: 600_000 });
  await outputOf(['git', 'init', '--quiet', '--bare', '--initial-branch=main', folder], { cwd: '/', env });
  const content = new Content(shape.files);
  const child = spawn('git', ['--git-dir', folder, 'fast-import', '--quiet'], {
    env,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  for (const part of history(shape, content)) {
    if (!child.stdin.write(part)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [status] = (await once(child, 'close')) as [number];
  if (status !== 0) throw new Error(`git fast-import ended with ${status}.`);
  // As housekeeping leaves it: one pack that knows what each commit reaches.
  await git('repack', '-adbq');
  await git('pack-refs', '--all');
  await git('commit-graph', 'write', '--reachable', '--changed-paths');
  const counts = await git('count-objects', '-v');
  const count = (field: string): number =>
    Number(new RegExp(`^${field}: (\\d+)$`, 'm').exec(counts)?.[1] ?? Number.NaN);
  return {
    shape,
    folder,
    objects: count('in-pack'),
    packBytes: count('size-pack') * 1024,
    main: await git('rev-parse', 'refs/heads/main'),
    paths: content.paths,
  };
}

/** Answers the object id of a new commit on `parent` that changes one file; it lands in `folder`, on `branch`. */
export async function addCommit(
  folder: string,
  change: { parent: string; branch: string; path: string; text: string },
): Promise<string> {
  const { parent, branch, path, text } = change;
  const lines = [`commit refs/heads/${branch}`, who(1_800_000_000), ...data(`Change ${branch}\n`)];
  lines.push(`from ${parent}`, `M 100644 inline ${path}`, ...data(text), '');
  const env = plainEnvironment(folder);
  const argv = ['git', '--git-dir', folder];
  await outputOf([...argv, 'fast-import', '--quiet', '--force'], { cwd: '/', env, input: lines.join('\n') });
  return outputOf([...argv, 'rev-parse', `refs/heads/${branch}`], { cwd: '/', env });
}

/** Numbers that look random and are the same in every run. */
class Dice {
  #seed = 1;

  next(below: number): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed % below;
  }
}

class Content {
  readonly paths: string[];
  readonly #files: string[][];
  readonly dice = new Dice();

  constructor(files: number) {
    this.paths = Array.from({ length: files }, (_unused, file) => this.#pathOf(file));
    this.#files = this.paths.map(() => Array.from({ length: 20 + this.dice.next(120) }, () => this.#line()));
  }

  text(file: number): string {
    return `${this.#files[file]?.join('\n')}\n`;
  }

  /** Changes a few lines that stand together, as people do. */
  edit(file: number): void {
    const lines = this.#files[file] ?? [];
    const at = this.dice.next(lines.length);
    const fresh = Array.from({ length: 1 + this.dice.next(4) }, () => this.#line());
    lines.splice(at, this.dice.next(3), ...fresh);
  }

  #pathOf(file: number): string {
    const folder = ['src', 'lib', 'test', 'doc'][file % 4] ?? 'src';
    const [room, shelf] = [Math.floor(file / 4) % 23, Math.floor(file / 92) % 17];
    return `${folder}/room-${room}/${shelf % 3 === 0 ? '' : `shelf-${shelf}/`}file-${file}.ts`;
  }

  #line(): string {
    const word = (): string => this.dice.next(60_466_176).toString(36);
    return `  const ${word()} = ${word()}(${word()}, ${this.dice.next(1000)}); // ${word()} ${word()}`;
  }
}

function* history({ commits, branches = 0 }: RepoShape, content: Content): Generator<string> {
  const all = content.paths.map((_path, file) => file);
  for (let commit = 1; commit <= commits; commit += 1) {
    const edited = commit === 1 ? all : pick(content, 1 + content.dice.next(3));
    if (commit > 1) for (const file of edited) content.edit(file);
    const from = commit === 1 ? [] : [`from :${commit - 1}`];
    const files = edited.flatMap((file) => [
      `M 100644 inline ${content.paths[file]}`,
      ...data(content.text(file)),
    ]);
    const head = ['commit refs/heads/main', `mark :${commit}`, who(1_500_000_000 + commit * 600)];
    yield `${[...head, ...data(`Change ${commit}\n\nWith a reason.\n`), ...from, ...files].join('\n')}\n`;
  }
  for (let branch = 1; branch <= branches; branch += 1) {
    const head = [`commit refs/heads/topic/${branch}`, who(1_700_000_000 + branch)];
    const from = `from :${commits - content.dice.next(Math.min(commits, 200))}`;
    const file = ['M 100644 inline topic.txt', ...data(`topic ${branch}\n`)];
    yield `${[...head, ...data(`Topic ${branch}\n`), from, ...file].join('\n')}\n`;
  }
}

const pick = (content: Content, count: number): number[] => [
  ...new Set(Array.from({ length: count }, () => content.dice.next(content.paths.length))),
];

const who = (seconds: number): string => `committer Ada Example <ada@example.org> ${seconds} +0000`;
const data = (text: string): string[] => [`data ${Buffer.byteLength(text)}`, text];
