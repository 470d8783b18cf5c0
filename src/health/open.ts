// Everything that tells how the forge does: what is checked, what is counted, what is logged of requests.
import type { Forge } from '../forge/open.ts';
import type { AnsweredRequest } from '../lib/answered-request.ts';
import type { LoopStatus } from '../lib/loop.ts';
import { listProblems, type Looked } from './advice.ts';
import { Checks } from './checks.ts';
import { EventLoopWatch } from './event-loop.ts';
import { Figures } from './figures.ts';
import { gaugeRows, type Measured } from './gauges.ts';
import type { Check, Problem } from './model.ts';
import { probesOf } from './probes.ts';
import { takesItsTime } from './slow.ts';

export interface HealthSources extends Omit<Measured, 'delay' | 'quarantined'> {
  ci: Looked['ci'];
  /** What domains found that this room does not know. */
  more: () => readonly Problem[];
}

export interface Health {
  version: string;
  startedAt: number;
  loops: () => LoopStatus[];
  /** What /readyz answers by. */
  look(): Promise<Check[]>;
  problems(): Promise<Problem[]>;
  figures(): Promise<{ type: string; body: string }>;
  /** A request is over. */
  answered(request: AnsweredRequest): void;
  stop(): void;
}

export function openHealth(forge: Forge, sources: HealthSources): Health {
  const { health } = forge.config;
  const watch = new EventLoopWatch();
  const checks = new Checks(probesOf(forge, sources), health.checkTimeoutSeconds * 1000);
  const measured = {
    ...sources,
    delay: () => watch.read(),
    quarantined: () => sources.ci.quarantined().length,
  };
  const figures = new Figures(forge, gaugeRows(forge, measured));
  return {
    version: sources.version,
    startedAt: forge.clock.now(),
    loops: sources.loops,
    look: () => checks.look(),
    problems: async () =>
      listProblems(forge, {
        checks: await checks.look(),
        loops: sources.loops(),
        ci: sources.ci,
        delay: watch.read(),
        more: sources.more(),
      }),
    figures: () => figures.text(),
    answered: (request) => {
      const isSlow = request.ms > health.slowRequestMs && !takesItsTime(request.route);
      figures.answered(request, isSlow);
      tell(forge, request, isSlow);
    },
    stop: () => {
      watch.stop();
      figures.stop();
    },
  };
}

function tell({ log }: Forge, answered: AnsweredRequest, isSlow: boolean): void {
  const line = { ...answered, ms: Math.round(answered.ms) };
  if (isSlow) log.warn(line, 'a request was slow');
  else log.info(line, 'a request was answered');
}
