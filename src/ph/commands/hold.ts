import { holdsView, holdView, type HoldView } from '../../landing/holds/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { notFound, wrongUse } from '../failure.ts';
import { cleanLine, printJson, stdout } from '../output.ts';
import { branchRoute, findBranch, findPlace, type PlaceOptions } from '../place.ts';

type Options = PlaceOptions & { json?: boolean };
const hoursOf: Record<string, number> = { m: 1 / 60, h: 1, d: 24 };

export async function hold(
  given: string | undefined,
  options: Options & { reason: string; for?: string },
): Promise<ExitStatus> {
  const hours = options.for === undefined ? {} : { hours: parseHours(options.for) };
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const order = { reason: options.reason, ...hours };
  const held = await place.client.post(`${branchRoute(place, view.number)}/holds`, order, holdView);
  if (options.json) printJson(held);
  else
    stdout.line(
      `held ${cleanLine(view.name)} #${view.number}${untilOf(held)}; lift it with: ph unhold ${view.number}`,
    );
  return exitStatus.done;
}

/** Lifts one hold or all; at the first that may not be lifted it stops and says whose it is. */
export async function unhold(
  given: string | undefined,
  options: Options & { id?: string },
): Promise<ExitStatus> {
  const id = options.id === undefined ? undefined : parseId(options.id);
  const place = await findPlace(options);
  const { view } = await findBranch(place, given);
  const route = `${branchRoute(place, view.number)}/holds`;
  const { holds } = await place.client.get(route, { answer: holdsView });
  const chosen = holds.filter((one) => id === undefined || one.id === id);
  const name = `${cleanLine(view.name)} #${view.number}`;
  if (id !== undefined && chosen.length === 0) {
    throw notFound(`${name} has no hold ${id}; it was lifted, or has expired.`);
  }
  for (const one of chosen) await place.client.remove(`${route}/${one.id}`);
  if (options.json) printJson({ lifted: chosen });
  else if (chosen.length === 0) stdout.line(`nothing holds ${name}`);
  else for (const one of chosen) stdout.line(`lifted: ${cleanLine(`${one.author}: ${one.reason}`)}`);
  return exitStatus.done;
}

const untilOf = ({ expiresAt }: HoldView): string =>
  expiresAt === null ? '' : ` until ${cleanLine(expiresAt.slice(0, 16).replace('T', ' '))} UTC`;

function parseHours(text: string): number {
  const [, amount, unit] = /^(\d{1,4}(?:\.\d{1,3})?)([mhd])$/.exec(text) ?? [];
  const hours = Number(amount) * (hoursOf[unit ?? ''] ?? Number.NaN);
  if (hours > 0) return hours;
  throw wrongUse(`"${text}" is no time; say 30m, 4h or 3d.`);
}

function parseId(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw wrongUse(`"${text}" is no number of a hold.`);
}
