import { conflictsView, type ConflictFile, type ConflictHunk } from '../../landing/conflicts/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { clean, cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

const whyWithout: Record<string, string> = {
  binary: 'It is binary: keep one side.',
  too_large: 'It is too large to be shown here.',
};

/** Prints what both sides have where git cannot merge. Exit status 1 when there is a conflict, 0 when there is none. */
export async function conflicts(
  given: string | undefined,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const route = `${branchRoute(place, view.number)}/conflicts`;
  const answer = await place.client.get(route, { answer: conflictsView });
  const status = answer.files.length === 0 ? exitStatus.done : exitStatus.no;
  if (options.json) {
    printJson(answer);
    return status;
  }
  const [branch, target] = [cleanLine(answer.branch), cleanLine(answer.target)];
  if (answer.files.length === 0) {
    stdout.line(`${branch} merges cleanly into ${target}`);
    return status;
  }
  for (const file of answer.files) printFile(file, { branch, target });
  if (answer.moreFiles > 0) stdout.line(`and ${answer.moreFiles} more files`);
  stdout.line(stdout.paint('bold', 'To settle it:'));
  for (const command of answer.commands) stdout.line(`  ${cleanLine(command)}`);
  return status;
}

function printFile(file: ConflictFile, names: { branch: string; target: string }): void {
  stdout.line(stdout.paint('bold', cleanLine(file.path)));
  for (const message of file.messages) stdout.line(`  ${cleanLine(message)}`);
  const why = whyWithout[file.without ?? ''];
  if (why !== undefined) stdout.line(`  ${why}`);
  for (const hunk of file.hunks) printHunk(hunk, names);
  if (file.moreHunks > 0) stdout.line(`  and ${file.moreHunks} more places`);
}

function printHunk(hunk: ConflictHunk, { branch, target }: { branch: string; target: string }): void {
  const put = (lines: readonly string[], sign: string) => {
    for (const line of lines) stdout.line(`  ${sign} ${clean(line)}`.trimEnd());
  };
  stdout.line(stdout.paint('dim', '  ---'));
  put(hunk.before, ' ');
  stdout.line(stdout.paint('dim', `  ${target} has`));
  put(hunk.target, '<');
  stdout.line(stdout.paint('dim', `  ${branch} has`));
  put(hunk.branch, '>');
  put(hunk.after, ' ');
  if (hunk.leftOut > 0) stdout.line(`  ${hunk.leftOut} more lines are not shown`);
}
