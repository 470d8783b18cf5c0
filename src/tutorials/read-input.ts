// What a writer is given of a revision: its difference and its commits.
import { diffBetween } from '../repos/diff-between.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { readCommit } from '../git/commit.ts';
import { readUpTo } from '../git/read-up-to.ts';
import { readMemoryBytes } from '../git/run.ts';
import { repoPath } from '../repos/path.ts';
import { parseCommitLines } from './writers/commit-lines.ts';
import type { Commit, WriterInput } from './writers/writer.ts';

const maxCommits = 200;
// Behind this much the lines of commits are not known; their hunks go by their files.
const maxPatchBytes = 8 * 1024 * 1024;
const maxLogBytes = 4 * 1024 * 1024;

export async function readInput(forge: Forge, branch: Branch, revision: Revision): Promise<WriterInput> {
  const { baseOid, headOid } = revision;
  const diff = await diffBetween(forge, { repoId: branch.repoId, baseOid, headOid });
  const only = await readOnlyCommit(forge, { branch, revision });
  const paths = [...new Set(diff.files.flatMap(({ oldPath, newPath }) => [oldPath, newPath]))];
  const commits = only === undefined ? await readCommits(forge, { branch, revision }) : [{ ...only, paths }];
  return { title: branch.title, commits, diff };
}

/**
 * The commit of a revision that is a single one, as most are; undefined otherwise. It makes the whole difference, so that
 * no git has to tell whose lines are whose.
 */
async function readOnlyCommit(
  forge: Forge,
  { branch, revision }: { branch: Branch; revision: Revision },
): Promise<Pick<Commit, 'subject' | 'body'> | undefined> {
  const commit = await readCommit(forge.git, repoPath(forge, branch.repoId), revision.headOid);
  const [parent, another] = commit?.parents ?? [];
  if (commit === undefined || parent !== revision.baseOid || another !== undefined) return undefined;
  return { subject: commit.subject, body: commit.body.trim() };
}

/** The commits of the branch with the paths each touches, the oldest first, merges left out. */
async function readCommits(forge: Forge, subject: { branch: Branch; revision: Revision }): Promise<Commit[]> {
  const { branch, revision } = subject;
  const exclude = revision.baseOid === undefined ? [] : [`^${revision.baseOid}`];
  const range = ['--reverse', '--no-merges', `--max-count=${maxCommits}`, '--no-renames'];
  const ends = [revision.headOid, ...exclude, '--'];
  const repo = repoPath(forge, branch.repoId);
  const maxMs = forge.config.limits.readSeconds * 1000;
  const commits = await listCommits(forge, { repo, range: [...range, ...ends], maxMs });
  const patches = await readUpTo(
    forge.git,
    [
      'log',
      ...range,
      '-p',
      '-U0',
      '--no-color',
      '--no-ext-diff',
      '--no-textconv',
      '--src-prefix=a/',
      '--dst-prefix=b/',
      '--format=%x01',
      ...ends,
    ],
    { repo, maxBytes: maxPatchBytes, maxMs },
  );
  const lines = parseCommitLines(patches.bytes.toString('utf8'));
  return commits.map((commit, index) => ({ ...commit, lines: lines[index] }));
}

async function listCommits(
  forge: Forge,
  { repo, range, maxMs }: { repo: string; range: readonly string[]; maxMs: number },
): Promise<Commit[]> {
  const { stdout } = await forge.git.run(
    ['log', '-z', '--name-only', '--format=%x01%s%x00%b%x00', ...range],
    {
      repo,
      maxBytes: maxLogBytes,
      timeoutMs: maxMs,
      maxMemoryBytes: readMemoryBytes,
    },
  );
  return stdout
    .toString('utf8')
    .split('\x01')
    .slice(1)
    .map((record) => {
      const [subject = '', body = '', ...paths] = record.split('\0');
      return {
        subject,
        body: body.trim(),
        paths: paths.map((path) => path.replace(/^\n/, '')).filter(Boolean),
      };
    });
}
