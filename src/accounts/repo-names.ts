import type { Caller } from './model.ts';

/** What accounts must know of repositories; handed in, because accounts may not know that room. */
export interface RepoNames {
  /** The id of `OWNER/NAME`, if the caller may see it; refuses (`not_found`) otherwise. */
  idOf(caller: Caller, fullName: string): number;
  nameOf(id: number): string | undefined;
}
