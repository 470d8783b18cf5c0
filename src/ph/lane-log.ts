// Reads the log of one attempt of a lane from the forge, in whole lines.
import { setTimeout as pause } from 'node:timers/promises';
import { clean } from './output.ts';
import { repoRoute, type Place } from './place.ts';

/** Between two looks at a log that grows. */
const followMs = 700;

export interface LaneLog {
  place: Place;
  run: number;
  lane: string;
  attempt: number;
}

/**
 * The log in whole lines without control sequences; a part that was cut anywhere would hide one. At its end
 * `goesOn` says whether to wait for more.
 */
export async function* readLog(log: LaneLog, goesOn: () => boolean): AsyncGenerator<string> {
  const { place, run, lane, attempt } = log;
  const route = `${repoRoute(place)}/runs/${run}/lanes/${encodeURIComponent(lane)}/log`;
  const decoder = new TextDecoder();
  let from = 0;
  let rest = '';
  for (;;) {
    const { body, header } = await place.client.text(route, { attempt, from });
    rest += decoder.decode(body, { stream: true });
    const end = rest.lastIndexOf('\n') + 1;
    if (end > 0) yield clean(rest.slice(0, end));
    rest = rest.slice(end);
    const next = Number(header('x-log-next') ?? from + body.length);
    const isAtEnd = next <= from;
    const hasStopped = /^(?:1|true|yes)$/i.test(header('x-log-ended') ?? '');
    from = Math.max(from, next);
    if (hasStopped || (isAtEnd && !goesOn())) break;
    if (isAtEnd) await pause(followMs);
  }
  rest += decoder.decode();
  if (rest !== '') yield `${clean(rest)}\n`;
}
