/** UTC milliseconds as every answer of the API spells a time: ISO 8601, in UTC. */
export const isoTime = (at: number): string => new Date(at).toISOString();

export const isoTimeOrNull = (at: number | null | undefined): string | null =>
  at === null || at === undefined ? null : isoTime(at);
