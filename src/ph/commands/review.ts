import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { reviewersView } from '../../reviews/request-model.ts';
import { reviewsView, reviewView, type ReviewsView } from '../../reviews/model.ts';
import { Failure, wrongUse } from '../failure.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import {
  branchRoute,
  findBranch,
  findPlace,
  type FoundBranch,
  type Place,
  type PlaceOptions,
} from '../place.ts';
import { shortOid } from '../verdict.ts';
import { expectedHead } from './merge.ts';

type Options = PlaceOptions & {
  json?: boolean;
  approve?: boolean;
  changes?: boolean;
  comment?: boolean;
  ask?: string;
  message?: string;
  head?: string;
};

const words = { approve: 'approved', changes: 'asks for changes', comment: 'reviewed' } as const;

/** Submits a verdict on the commit that is here, or that the forge has when the branch is not here; or shows all. */
export async function review(given: string | undefined, options: Options): Promise<ExitStatus> {
  const verdict = verdictOf(options);
  const place = await findPlace(options);
  const found = await findBranch(place, given);
  if (options.ask !== undefined) return ask(place, found, { ...options, ask: options.ask });
  const route = `${branchRoute(place, found.view.number)}/reviews`;
  if (verdict === undefined) {
    const answer = await place.client.get(route, { answer: reviewsView });
    if (options.json) printJson(answer);
    else print(answer, found.view.head);
    return exitStatus.done;
  }
  const head = headRead(found, options.head);
  const body = { verdict, body: options.message ?? '', head };
  const answer = await place.client.post(route, body, reviewView);
  if (options.json) printJson(answer);
  else {
    const said = answer.verdict === 'approve' ? stdout.paint('green', words.approve) : words[answer.verdict];
    stdout.line(`${said} ${cleanLine(found.view.name)} #${found.view.number} at ${shortOid(answer.head)}`);
    if (answer.note !== null) stdout.line(answer.note);
  }
  return exitStatus.done;
}

async function ask(
  place: Place,
  { view }: FoundBranch,
  options: Options & { ask: string },
): Promise<ExitStatus> {
  const names = options.ask.split(/[\s,]+/).filter((name) => name !== '');
  const route = `${branchRoute(place, view.number)}/reviewers`;
  const answer = await place.client.post(route, { names }, reviewersView);
  if (options.json) printJson(answer);
  else {
    for (const { name, answered } of answer.reviewers)
      stdout.line(`${cleanLine(name)} ${answered ? 'has reviewed' : 'is asked for a review'}`);
  }
  return exitStatus.done;
}

function verdictOf(options: Options): keyof typeof words | undefined {
  const given = (['approve', 'changes', 'comment'] as const).filter((verdict) => options[verdict]);
  if (given.length > 1) throw wrongUse('Give one verdict: --approve, --changes or --comment');
  if (given.length === 0 && options.message !== undefined) {
    throw wrongUse('Say which verdict the message goes with: --approve, --changes or --comment');
  }
  if (given.length > 0 && options.ask !== undefined) {
    throw wrongUse('Ask others, or give a verdict yourself: one at a time');
  }
  return given[0];
}

/** Who has the branch here reviews what is here; who has not has read it on the forge. */
function headRead(found: FoundBranch, named: string | undefined): string {
  const { view, local } = found;
  const head = named === undefined && local === undefined ? view.head : expectedHead(found, named);
  if (head === view.head) return head;
  throw new Failure(
    exitStatus.moved,
    `The branch is at ${shortOid(view.head)} on the forge, and ${shortOid(head)} is what you have read. Nothing was submitted. Read what changed: ph diff ${view.number}`,
  );
}

function print(answer: ReviewsView, head: string): void {
  for (const { name, verdict, current, revision } of answer.verdicts) {
    const stale = current ? '' : ` (revision ${revision}; the patch is another at ${shortOid(head)})`;
    const colour = verdict === 'approve' ? 'green' : 'red';
    stdout.line(`${cleanLine(name)} ${stdout.paint(colour, words[verdict])}${stale}`);
  }
  if (answer.verdicts.length === 0) stdout.line('nobody has decided yet');
  const { threads, unresolvedThreads, drafts } = answer;
  if (threads > 0)
    stdout.line(`${unresolvedThreads} of ${threads} threads open; read them: ph comment --open`);
  if (drafts > 0) stdout.line(`${drafts} of your comments wait for you to submit them: ph review --comment`);
}
