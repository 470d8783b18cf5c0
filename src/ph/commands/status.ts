import type { BranchStatusView } from '../../landing/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { describeLanding } from '../landing-words.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { findBranch, findPlace, getStatus, type PlaceOptions } from '../place.ts';
import { colourOf, isFailing, nextCommand, shortOid } from '../verdict.ts';

export async function status(
  given: string | undefined,
  options: PlaceOptions & { json?: boolean },
): Promise<ExitStatus> {
  const place = await findPlace(options);
  const { view, local } = await findBranch(place, given);
  const answer = await getStatus(place, view.number);
  if (options.json) {
    printJson({ ...answer, local: local ?? null });
    return exitStatus.done;
  }
  for (const [word, text] of describe(answer, local)) stdout.line(`${word.padEnd(9)} ${text}`);
  return exitStatus.done;
}

function describe(answer: BranchStatusView, local: string | undefined): [string, string][] {
  const { branch, tutorial } = answer;
  const author = branch.author === null ? '' : ` by ${cleanLine(branch.author)}`;
  const stale = local !== undefined && local !== branch.head ? ` (HEAD here is ${shortOid(local)})` : '';
  return [
    ['branch', `${cleanLine(branch.name)} #${branch.number}${author}: ${cleanLine(branch.title)}`],
    [
      'head',
      `${shortOid(branch.head)}, revision ${branch.revision}, for ${cleanLine(branch.target)}${stale}`,
    ],
    [
      'tutorial',
      tutorial === null ? 'none yet' : `${paint(tutorial.state)}, ${count(tutorial.steps, 'step')}`,
    ],
    ['ci', describeCi(answer)],
    ...describeQueue(answer),
    ...describeGate(answer),
  ];
}

function describeCi({ run }: BranchStatusView): string {
  if (run === null) return stdout.paint('dim', 'not started');
  if (run.problem !== null) return `${stdout.paint('red', 'no lanes')}: ${cleanLine(run.problem)}`;
  const failing = run.lanes.filter(isFailing).map((lane) => cleanLine(lane.id));
  if (run.lanes.length === 0) return `${paint(run.state)} (run ${run.number}): there are no lanes to run`;
  const passed = run.lanes.filter((lane) => lane.state === 'success').length;
  const detail =
    failing.length > 0 ? failing.join(', ') : `${passed} of ${count(run.lanes.length, 'lane')} passed`;
  return `${paint(run.state)} (run ${run.number}): ${detail}`;
}

/** Of an entry that ended only what there is to do about it, while the branch is open. */
function describeQueue({ branch, landing }: BranchStatusView): [string, string][] {
  const isOver = landing !== null && landing.ended !== null;
  const isOld = landing?.head !== branch.head || branch.state !== 'open';
  return landing === null || (isOver && isOld) ? [] : [['queue', describeLanding(landing)]];
}

function describeGate(answer: BranchStatusView): [string, string][] {
  const { branch, gate } = answer;
  if (branch.state === 'merged') {
    return [
      [
        'landed',
        `${paint('merged')} into ${cleanLine(branch.target)} as ${shortOid(branch.mergeCommit ?? '')}`,
      ],
    ];
  }
  const lines: [string, string][] = gate.open
    ? [['gate', stdout.paint('green', 'open')]]
    : gate.holds.map((hold) => [
        'gate',
        `${stdout.paint('red', cleanLine(hold.message))} ${cleanLine(hold.wayOut)}`,
      ]);
  const next = nextCommand(answer);
  return next === undefined ? lines : [...lines, ['next', stdout.paint('bold', next)]];
}

const paint = (state: string): string => stdout.paint(colourOf(state), state);

const count = (many: number, one: string): string => `${many} ${one}${many === 1 ? '' : 's'}`;
