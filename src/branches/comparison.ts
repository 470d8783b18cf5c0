import type { Repo } from '../repos/model.ts';
import type { OpenHead } from './store.ts';

/** What a scan holds against each other: the refs of a repository as git lists them, and the rows of its branches. */
export interface Comparison {
  repo: Repo;
  /** The bare repository's folder. */
  path: string;
  /** Every branch that has a ref, and its commit. */
  heads: ReadonlyMap<string, string>;
  /** The branches among them whose ref says nothing, with what it says; they stand at no commit (`zeroOid`). */
  unreadable: ReadonlyMap<string, string>;
  /** Broken branches that were taken out of git's way, by name. */
  aside: ReadonlySet<string>;
  /** Commits that branches should have and the repository does not. */
  missing: ReadonlySet<string>;
  /** The open branches, by name. */
  open: ReadonlyMap<string, OpenHead>;
}
