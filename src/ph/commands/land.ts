// Puts a branch into the landing queue at the commit that is here, and waits for what becomes of it.
import { landingView, maxPriority, type LandingView } from '../../landing/queue/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { Failure } from '../failure.ts';
import { describeLanding } from '../landing-words.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, getStatus, type Place, type PlaceOptions } from '../place.ts';
import { shortOid } from '../verdict.ts';
import { expectedHead } from './merge.ts';
import { parseSeconds, waitFor } from './wait.ts';

export interface LandOptions extends PlaceOptions {
  json?: boolean;
  /** False with `--no-wait`. */
  wait: boolean;
  priority?: boolean;
  cancel?: boolean;
  method?: string;
  message?: string;
  head?: string;
  timeout: string;
}

export async function land(given: string | undefined, options: LandOptions): Promise<ExitStatus> {
  const seconds = parseSeconds(options.timeout);
  const place = await findPlace(options);
  const found = await findBranch(place, given);
  const { number } = found.view;
  if (options.cancel) return cancel(place, number, options);
  const head = expectedHead(found, options.head);
  const { branch, landing: known } = await getStatus(place, number);
  if (branch.state === 'open' && head !== branch.head) {
    throw new Failure(
      exitStatus.moved,
      `The branch is at ${shortOid(branch.head)} on the forge, and ${shortOid(head)} is here. Nothing was queued. Pull or push, and run ph land again.`,
    );
  }
  const isQueued = known !== null && known.ended === null && known.head === head;
  const isMerged = branch.state === 'merged' && branch.head === head;
  // Whoever asks twice wants what they asked for, and no refusal.
  if (!isQueued && !isMerged) await enqueue(place, { number, head, options });
  else if (isQueued && options.priority) await first(place, number);
  if (options.wait || isMerged) {
    return waitFor(place, {
      number,
      commit: head,
      goal: 'landed',
      deadline: Date.now() + seconds * 1000,
      json: options.json === true,
    });
  }
  const landing = await place.client.get(landRoute(place, number), { answer: landingView });
  if (options.json) printJson(landing);
  else say(landing, 'Next: ph wait --for landed');
  return exitStatus.done;
}

const landRoute = (place: Place, number: number): string => `${branchRoute(place, number)}/land`;

const first = (place: Place, number: number): Promise<LandingView> =>
  place.client.put(`${landRoute(place, number)}/priority`, { priority: maxPriority }, landingView);

function enqueue(
  place: Place,
  order: { number: number; head: string; options: LandOptions },
): Promise<LandingView> {
  const { number, head, options } = order;
  const { method, message, priority } = options;
  const body = {
    head,
    ...(method === undefined ? {} : { method }),
    ...(message === undefined ? {} : { message }),
    ...(priority ? { priority: maxPriority } : {}),
  };
  return place.client.post(landRoute(place, number), body, landingView);
}

async function cancel(place: Place, number: number, options: LandOptions): Promise<ExitStatus> {
  const route = landRoute(place, number);
  await place.client.remove(route);
  const landing = await place.client.get(route, { answer: landingView });
  if (options.json) printJson(landing);
  else say(landing, `Next: ph land ${number}`);
  return exitStatus.done;
}

const say = (landing: LandingView, next: string): void =>
  stdout.line(
    `${cleanLine(landing.branch.name)} #${landing.branch.number} ${describeLanding(landing)} ${next}`,
  );
