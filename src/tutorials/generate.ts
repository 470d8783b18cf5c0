// One pass: every newest revision without a tutorial gets one. A writer that fails leaves a failed tutorial with the
// reason; the difference itself never waits for any of this.
import { diffBetween } from '../repos/diff-between.ts';
import { getBranch, getRevision } from '../branches/find.ts';
import type { Branch, Revision } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { readMemoryBytes } from '../git/run.ts';
import { errorMessage } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { coverEveryHunk } from './coverage.ts';
import type { TutorialBody } from './model.ts';
import { claimTutorial, finishTutorial, queueMissing, type TutorialClaim } from './store.ts';
import type { Commit, TutorialWriter } from './writer.ts';

const leaseMs = 120_000;
const maxCommits = 200;
const maxLogBytes = 4 * 1024 * 1024;

export async function generateTutorials(forge: Forge, writer: TutorialWriter): Promise<void> {
  queueMissing(forge.db, forge.clock.now());
  for (;;) {
    const now = forge.clock.now();
    const claim = claimTutorial(forge.db, { now, leaseUntil: now + leaseMs });
    if (claim === undefined) return;
    await generateOne(forge, claim, writer);
  }
}

async function generateOne(forge: Forge, claim: TutorialClaim, writer: TutorialWriter): Promise<void> {
  const branch = getBranch(forge, claim.branchId);
  let body: TutorialBody | undefined;
  let message: string | undefined;
  try {
    body = await writeTutorial(
      forge,
      { branch, revision: getRevision(forge, branch.id, claim.revision) },
      writer,
    );
  } catch (error) {
    message = errorMessage(error);
    forge.log.warn({ err: error, branch: branch.id }, 'a tutorial could not be written');
  }
  const state = body === undefined ? 'failed' : 'ready';
  const { id, token } = claim;
  if (!finishTutorial(forge.db, { id, token, state, body, message, now: forge.clock.now() })) return;
  const { repoId } = branch;
  forge.events.emit('tutorial-changed', { repoId, branchId: branch.id, revision: claim.revision, state });
}

async function writeTutorial(
  forge: Forge,
  subject: { branch: Branch; revision: Revision },
  writer: TutorialWriter,
): Promise<TutorialBody> {
  const { branch, revision } = subject;
  const { baseOid, headOid } = revision;
  const diff = await diffBetween(forge, { repoId: branch.repoId, baseOid, headOid });
  const commits = await readCommits(forge, subject);
  return coverEveryHunk(await writer.write({ title: branch.title, commits, diff }), diff);
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
