// The times of nightlies: cron patterns of five fields, in UTC.
import { Cron } from 'croner';
import { errorMessage } from '../../lib/errors.ts';

/** The first moment of the pattern after a time, in milliseconds; undefined when there is none. Throws for a pattern that is none. */
export const nextDue = (schedule: string, after: number): number | undefined =>
  new Cron(schedule, { timezone: 'UTC', paused: true, mode: '5-part' }).nextRun(new Date(after))?.getTime();

/** What is wrong with a pattern, in words that follow "but"; undefined when nothing is. */
export function scheduleProblem(schedule: string): string | undefined {
  try {
    // From a fixed day: what a manifest says does not depend on when it is read.
    return nextDue(schedule, Date.UTC(2026, 0, 1)) === undefined ? 'that time never comes' : undefined;
  } catch (error) {
    return errorMessage(error).replace(/^CronPattern: /, '');
  }
}
