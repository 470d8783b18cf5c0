// Puts a branch into the landing queue at the commit that is here, and waits for what becomes of it.
import { landingView, maxPriority, type LandingView } from '../../landing/queue-model.ts';
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
  const { branch } = await getStatus(place, number);
  if (branch.state === 'open' && head !== branch.head) {
    throw new Failure(
      exitStatus.moved,
      `The branch is at ${shortOid(branch.head)} on the forge, and ${shortOid(head)} is here. Nothing was queued. Pull or push, and run ph land again.`,
    );
  }
  const landing = await enqueue(place, { number, head, options });
  if (options.wait) {
    return waitFor(place, {
      number,
      commit: head,
      goal: 'landed',
      deadline: Date.now() + seconds * 1000,
      json: options.json === true,
    });
  }
  if (options.json) printJson(landing);
  else say(landing, 'Next: ph wait --for landed');
  return exitStatus.done;
}

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
  return place.client.post(`${branchRoute(place, number)}/land`, body, landingView);
}

async function cancel(place: Place, number: number, options: LandOptions): Promise<ExitStatus> {
  const landing = await place.client.delete(`${branchRoute(place, number)}/land`, landingView);
  if (options.json) printJson(landing);
  else say(landing, `Next: ph land ${number}`);
  return exitStatus.done;
}

const say = (landing: LandingView, next: string): void =>
  stdout.line(
    `${cleanLine(landing.branch.name)} #${landing.branch.number} ${describeLanding(landing)} ${next}`,
  );
