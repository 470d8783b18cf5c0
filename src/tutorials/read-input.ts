// What a writer is given of a revision: its difference and its commits.
import { diffBetween } from '../repos/diff-between.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { readMemoryBytes } from '../git/run.ts';
import { repoPath } from '../repos/path.ts';
import type { Commit, WriterInput } from './writers/writer.ts';

const maxCommits = 200;
const maxLogBytes = 4 * 1024 * 1024;

export async function readInput(forge: Forge, branch: Branch, revision: Revision): Promise<WriterInput> {
  const { baseOid, headOid } = revision;
  const diff = await diffBetween(forge, { repoId: branch.repoId, baseOid, headOid });
  return { title: branch.title, commits: await readCommits(forge, { branch, revision }), diff };
}

/** The commits of the branch with the paths each touches, the oldest first, merges left out. */
async function readCommits(forge: Forge, subject: { branch: Branch; revision: Revision }): Promise<Commit[]> {
  const { branch, revision } = subject;
  const exclude = revision.baseOid === undefined ? [] : [`^${revision.baseOid}`];
  const { stdout } = await forge.git.run(
    [
      'log',
      '--reverse',
      '--no-merges',
      `--max-count=${maxCommits}`,
      '-z',
      '--name-only',
      '--no-renames',
      '--format=%x01%s%x00%b%x00',
      revision.headOid,
      ...exclude,
      '--',
    ],
    {
      repo: repoPath(forge, branch.repoId),
      maxBytes: maxLogBytes,
      timeoutMs: forge.config.limits.readSeconds * 1000,
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
