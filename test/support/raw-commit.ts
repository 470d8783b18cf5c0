// Commits whose names and words are bytes that no client would write: made with plumbing, straight into a repository.
import type { Git } from '../../src/git/run.ts';
import { bytesOfPath, gitPath, type GitPath } from '../../src/git/git-path.ts';

/** Text or bytes of a file; the target of a link; the commit of a submodule. */
export type RawEntry = string | Buffer | { link: string } | { submodule: string };

export interface RawCommit {
  /** The bare repository's folder. */
  repo: string;
  /** Name in the root, one character per byte → what lies there. */
  files: Record<string, RawEntry>;
  parents?: readonly string[];
  /** The whole message, in whatever encoding. */
  message?: string | Buffer;
  /** Header lines behind the committer, each with its newline. */
  headers?: string;
  author?: string;
  /** Seconds since 1970. */
  at?: number;
  /** Set to the commit when given, without refs/heads/. */
  branch?: string;
}

/** Answers the object id of the commit. */
export async function rawCommit(git: Git, raw: RawCommit): Promise<string> {
  const { repo } = raw;
  const write = async (type: string, content: string | Buffer): Promise<string> =>
    // --literally: some of these are what a check would refuse.
    git.text(['hash-object', '-w', '--literally', '-t', type, '--stdin'], { repo, input: content });
  const lines: Buffer[] = [];
  for (const [name, entry] of Object.entries(raw.files)) {
    const [mode, type, oid] = await stored(entry, write);
    lines.push(
      Buffer.from(`${mode} ${type} ${oid}\t`),
      bytesOfPath(gitPath(Buffer.from(name, 'latin1'))),
      Buffer.from('\0'),
    );
  }
  const tree = await git.text(['mktree', '-z', '--missing'], { repo, input: Buffer.concat(lines) });
  const who = `${raw.author ?? 'Ada Example <ada@example.org>'} ${raw.at ?? 1_767_225_600} +0100`;
  const head = [
    `tree ${tree}\n`,
    ...(raw.parents ?? []).map((parent) => `parent ${parent}\n`),
    `author ${who}\ncommitter ${who}\n${raw.headers ?? ''}\n`,
  ].join('');
  const commit = await write(
    'commit',
    Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(raw.message ?? 'Change\n')]),
  );
  if (raw.branch !== undefined) await git.run(['update-ref', `refs/heads/${raw.branch}`, commit], { repo });
  return commit;
}

async function stored(
  entry: RawEntry,
  write: (type: string, content: string | Buffer) => Promise<string>,
): Promise<[mode: string, type: string, oid: string]> {
  if (typeof entry === 'string' || Buffer.isBuffer(entry))
    return ['100644', 'blob', await write('blob', entry)];
  if ('link' in entry) return ['120000', 'blob', await write('blob', entry.link)];
  return ['160000', 'commit', entry.submodule];
}

/** A name as `files` of a raw commit spell it. */
export const rawName = (name: string | Buffer): GitPath => gitPath(Buffer.from(name));
