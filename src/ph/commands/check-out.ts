// Brings a branch of the forge here and checks it out: a new local branch that follows it, or the one that is here
// already, moved forward when nothing of its own is on it. Nothing that is only here is ever lost.
import { spawnSync } from 'node:child_process';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { localHead } from '../checkout.ts';
import { Failure, wrongUse } from '../failure.ts';
import { clean, cleanLine, printJson, stdout } from '../output.ts';
import { findBranch, findPlace, type Place, type PlaceOptions } from '../place.ts';
import { shortOid } from '../verdict.ts';

export async function checkOut(
  given: string | undefined,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  if (given === undefined)
    throw wrongUse('Which branch? ph checkout NAME, or its number; ph list shows them.');
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const remote = remoteOf(place);
  if (view.state !== 'open') {
    throw new Failure(
      exitStatus.no,
      `The branch ${cleanLine(view.name)} is ${view.state}. Its commit ${shortOid(view.head)} may still be here: git switch --detach ${view.head}`,
    );
  }
  const tracking = `refs/remotes/${remote}/${view.name}`;
  git(['fetch', '--quiet', remote, `+refs/heads/${view.name}:${tracking}`]);
  const isHere = localHead(view.name) !== undefined;
  if (isHere) {
    git(['switch', '--quiet', view.name]);
    git(['merge', '--quiet', '--ff-only', tracking]);
  } else git(['switch', '--quiet', '--create', view.name, '--track', `${remote}/${view.name}`]);
  const head = localHead(view.name);
  if (options.json) printJson({ branch: view.name, head: head ?? null, created: !isHere });
  else stdout.line(`${isHere ? 'on' : 'new'} branch ${cleanLine(view.name)} at ${shortOid(head ?? '')}`);
  return exitStatus.done;
}

function remoteOf({ checkout, owner, repo, client, remote }: Place): string {
  if (checkout === undefined)
    throw wrongUse('This is no git checkout. Clone the repository first: git clone URL');
  if (remote !== undefined) return remote;
  throw wrongUse(
    `No remote here is ${owner}/${repo} of ${client.origin}. Add it first: git remote add NAME URL`,
  );
}

function git(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('git', args, {
    encoding: 'utf8',
    stdio: ['inherit', 'pipe', 'pipe'],
  });
  if (status === 0) return;
  const said = clean(stderr || error?.message || '')
    .trim()
    .split('\n')
    .slice(-12)
    .join('\n');
  throw new Failure(exitStatus.no, `git ${args[0]} says no, and nothing was lost:\n${said}`);
}
