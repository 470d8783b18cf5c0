// What the page and the API show, in one form.
import { isoTime, isoTimeOrNull } from '../lib/iso-time.ts';
import type { LoopStatus } from '../lib/loop.ts';
import type { HealthView, LoopView } from './model.ts';
import type { Health } from './open.ts';

export async function readHealth(health: Health): Promise<HealthView> {
  const checks = await health.look();
  const problems = await health.problems();
  return {
    ready: checks.every(({ fault }) => fault === undefined),
    version: health.version,
    startedAt: isoTime(health.startedAt),
    checks: checks.map(({ name, fault }) => ({ name, fault: fault ?? null })),
    problems: problems.map(({ link, ...problem }) => ({ ...problem, link: link ?? null })),
    loops: health.loops().map(loopOf),
  };
}

const loopOf = (loop: LoopStatus): LoopView => ({
  name: loop.name,
  state: loop.state,
  disabled: loop.disabled ?? null,
  lastSuccessAt: isoTimeOrNull(loop.lastSuccessAt),
  lastError: loop.lastError ?? null,
  lastErrorAt: isoTimeOrNull(loop.lastErrorAt),
  failures: loop.failures,
  passes: loop.passes,
  lastMs: loop.lastMs ?? null,
  activeSince: isoTimeOrNull(loop.activeSince),
});
