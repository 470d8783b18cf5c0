// One ref of a push as git's hooks state it (githooks(5), pre-receive): `<old> SP <new> SP <full ref name>`.
import { zeroOid } from './refs.ts';

export interface RefUpdate {
  oldOid: string;
  newOid: string;
  /** The full name, as the client sent it: not checked against any rule. */
  ref: string;
}

const line = /^([0-9a-f]{40}) ([0-9a-f]{40}) (refs\/.+)$/s;

/** The update that a hook's line states, or undefined when it states none. */
export function parseRefUpdate(text: string): RefUpdate | undefined {
  const [, oldOid, newOid, ref] = line.exec(text) ?? [];
  return oldOid === undefined || newOid === undefined || ref === undefined
    ? undefined
    : { oldOid, newOid, ref };
}

export const isCreation = (update: RefUpdate): boolean => update.oldOid === zeroOid;
export const isDeletion = (update: RefUpdate): boolean => update.newOid === zeroOid;

const headsPrefix = 'refs/heads/';
const tagsPrefix = 'refs/tags/';
const notesPrefix = 'refs/notes/';

/** The name after refs/heads/, or undefined for any other ref. */
export const branchOf = (ref: string): string | undefined =>
  ref.startsWith(headsPrefix) ? ref.slice(headsPrefix.length) : undefined;

/** The name after refs/tags/, or undefined for any other ref. */
export const tagOf = (ref: string): string | undefined =>
  ref.startsWith(tagsPrefix) ? ref.slice(tagsPrefix.length) : undefined;

/** The name after refs/notes/, or undefined for any other ref. */
export const noteOf = (ref: string): string | undefined =>
  ref.startsWith(notesPrefix) ? ref.slice(notesPrefix.length) : undefined;
