import { compileGlob } from '../lib/glob.ts';

/** What may leave the forge at all; its own hidden refs are not among them, whatever the patterns say. */
export const mirroredPrefixes = ['refs/heads/', 'refs/tags/', 'refs/notes/'] as const;

/** Whether a ref is mirrored: some pattern matches its full name, and none of those that begin with `!`. */
export function chooseRefs(patterns: readonly string[]): (ref: string) => boolean {
  const isExclusion = (pattern: string): boolean => pattern.startsWith('!');
  const wanted = patterns.filter((pattern) => !isExclusion(pattern)).map(compileGlob);
  const unwanted = patterns.filter(isExclusion).map((pattern) => compileGlob(pattern.slice(1)));
  return (ref) =>
    mirroredPrefixes.some((prefix) => ref.startsWith(prefix)) &&
    wanted.some((matches) => matches(ref)) &&
    !unwanted.some((matches) => matches(ref));
}
