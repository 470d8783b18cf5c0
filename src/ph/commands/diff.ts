import { branchDiffView, type BranchDiffView } from '../../reviews/model.ts';
import { sinceView, type SinceView } from '../../reviews/viewed-model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { clean, cleanLine, printJson, printTable, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

type Options = PlaceOptions & {
  json?: boolean;
  stat?: boolean;
  revision?: string;
  since?: string;
  sinceReview?: boolean;
};

/** The patch as it is in a pipe, for `git apply`; on a terminal in colours, and without what would steer it. */
export async function diff(given: string | undefined, options: Options): Promise<ExitStatus> {
  checkRevision('--revision', options.revision);
  checkRevision('--since', options.since);
  const since = options.sinceReview ? 'review' : options.since;
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const route = branchRoute(place, view.number);
  const query = { revision: options.revision, since };
  if (since !== undefined && (options.json || options.stat)) {
    const answer = await place.client.get(`${route}/since`, { answer: sinceView, query });
    if (options.json) printJson(answer);
    else printSince(answer);
    return exitStatus.done;
  }
  if (options.json || options.stat) {
    const answer = await place.client.get(`${route}/diff`, { answer: branchDiffView, query });
    if (options.json) printJson(answer);
    else printFiles(answer);
    return exitStatus.done;
  }
  const { body } = await place.client.text(`${route}/patch`, query);
  if (!stdout.isTerminal) process.stdout.write(body);
  else for (const line of Buffer.from(body).toString('utf8').split('\n')) stdout.line(coloured(clean(line)));
  return exitStatus.done;
}

function checkRevision(option: string, given: string | undefined): void {
  if (given === undefined || /^[1-9][0-9]{0,5}$/.test(given)) return;
  throw wrongUse(`"${given}" is no revision; write a number: ${option} 2`);
}

function printSince({ since, revision, rebased, files, truncated }: SinceView): void {
  const words = rebased ? ', which was rebased' : '';
  stdout.line(`From revision ${since} to revision ${revision}${words}:`);
  printTable(
    files.map(({ path, label, diff: changed }) => [
      label === 'rebased' ? 'only rebased' : label,
      cleanLine(path),
      changed === null ? '' : `+${changed.added} -${changed.removed}`,
    ]),
  );
  if (truncated) stdout.line('More was left out for its size; fetch the branch to read all of it.');
}

function printFiles({ files, truncated }: BranchDiffView): void {
  printTable(
    files.map(({ status, oldPath, path, added, removed }) => [
      status,
      `+${added}`,
      `-${removed}`,
      cleanLine(oldPath === path ? path : `${oldPath} -> ${path}`),
    ]),
  );
  if (truncated) stdout.line('More was left out for its size; fetch the branch to read all of it.');
}

function coloured(line: string): string {
  if (/^(?:diff --git |\+\+\+ |--- |index )/.test(line)) return stdout.paint('bold', line);
  if (line.startsWith('@@')) return stdout.paint('dim', line);
  if (line.startsWith('+')) return stdout.paint('green', line);
  return line.startsWith('-') ? stdout.paint('red', line) : line;
}
