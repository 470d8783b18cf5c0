import { branchStates, type BranchView } from '../../branches/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { cleanLine, printJson, printTable, stderr } from '../output.ts';
import { findPlace, listBranches, type PlaceOptions } from '../place.ts';
import { shortOid } from '../verdict.ts';

export async function list(options: PlaceOptions & { json?: boolean; state: string }): Promise<ExitStatus> {
  const { state } = options;
  if (state !== 'all' && !branchStates.some((known) => known === state)) {
    throw wrongUse(`"${state}" is no state; write --state open, merged, closed or all`);
  }
  const place = await findPlace(options);
  const branches: BranchView[] = [];
  let before: number | null = null;
  do {
    const page = await listBranches(place, {
      ...(state === 'all' ? {} : { state }),
      ...(before === null ? {} : { before }),
    });
    branches.push(...page.branches);
    before = page.next;
  } while (before !== null);
  if (options.json) printJson({ branches });
  else if (branches.length === 0) stderr.line(`${place.owner}/${place.repo} has no such branch.`);
  else printTable(branches.map(rowOf));
  return exitStatus.done;
}

const rowOf = (branch: BranchView): string[] => [
  `#${branch.number}`,
  branch.state,
  shortOid(branch.head),
  cleanLine(branch.name),
  cleanLine(branch.author ?? ''),
  cleanLine(branch.title),
];
