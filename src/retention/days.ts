export const dayMs = 24 * 60 * 60 * 1000;

/** As the days of what was removed are written down: `2026-01-31`, UTC. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
