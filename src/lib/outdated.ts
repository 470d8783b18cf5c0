// Something whose time is over: what it is, why it may go, and how it goes. What lists such things changes nothing, so that
// people can be shown what would go.

export const outdatedKinds = [
  'log',
  'artifacts',
  'attempt',
  'run',
  'revision',
  'status',
  'cache',
  'kept folder',
  'large file',
  'audit',
  'leftover',
] as const;
export type OutdatedKind = (typeof outdatedKinds)[number];

export interface Outdated {
  kind: OutdatedKind;
  /** Undefined for what belongs to no repository. */
  repoId: number | undefined;
  /** In the words of the forge: `unit of run 12, attempt 1`. */
  what: string;
  why: string;
  bytes: number;
  /** Since when it has been what it is, UTC milliseconds. */
  at: number;
  /** Looks again whether something needs it, and takes it away; false: it stays. */
  remove: () => boolean | Promise<boolean>;
}
