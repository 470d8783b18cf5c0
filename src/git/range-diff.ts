// Which commits of an earlier line of work became which of a later one, as `git range-diff` matches them.
import { readUpTo } from './read-up-to.ts';
import type { Git } from './run.ts';

/** `same`: the same patch. `changed`: the patch or the message is another. */
export type PairKind = 'same' | 'changed' | 'gone' | 'new';

export interface CommitPair {
  kind: PairKind;
  /** Places in their lines of work, counted from 1, and commits. */
  old: { at: number; oid: string } | undefined;
  new: { at: number; oid: string } | undefined;
  subject: string;
  /** What differs between the two patches, as a difference of differences. */
  patch: string;
  /** The patch was cut for its size. */
  isCut: boolean;
}

export interface RangePair {
  /** The bare repository's folder. */
  repo: string;
  /** Object ids. */
  old: { base: string; head: string };
  new: { base: string; head: string };
  maxMs: number;
}

const maxBytes = 4 * 1024 * 1024;
const maxPatchLength = 40_000;
// It takes no option for whole object ids.
const wholeIds = ['-c', 'core.abbrev=40'];
const args = [...wholeIds, 'range-diff', '--no-color', '--no-notes', '--no-ext-diff', '--no-textconv'];
const headLine = /^ *(?:(\d+)|-): +([0-9a-f]{40}|-+) ([=!<>]) +(?:(\d+)|-): +([0-9a-f]{40}|-+) (.*)$/;
const kinds: Record<string, PairKind> = { '=': 'same', '!': 'changed', '<': 'gone', '>': 'new' };

/** In the order of the later commits; undefined when git would take too long or say too much. */
export async function readRangeDiff(git: Git, range: RangePair): Promise<CommitPair[] | undefined> {
  const ends = [range.old, range.new].map(({ base, head }) => `${base}..${head}`);
  const { bytes, isWhole } = await readUpTo(git, [...args, ...ends], {
    repo: range.repo,
    maxBytes,
    maxMs: range.maxMs,
  });
  return isWhole ? parseRangeDiff(bytes.toString('utf8')) : undefined;
}

/** Everything below the line of a pair is indented by four spaces, so that no content can pose as another pair. */
export function parseRangeDiff(output: string): CommitPair[] {
  const pairs: CommitPair[] = [];
  for (const line of output.replace(/\n$/, '').split('\n')) {
    const match = line.startsWith('    ') ? null : headLine.exec(line);
    const last = pairs.at(-1);
    if (match !== null) pairs.push(toPair(match));
    else if (last === undefined) continue;
    else if (last.patch.length + line.length > maxPatchLength) last.isCut = true;
    else if (!last.isCut) last.patch += `${line.slice(4)}\n`;
  }
  for (const pair of pairs) pair.patch = pair.patch.replace(/\n+$/, '\n');
  return pairs;
}

function toPair([
  ,
  oldAt,
  oldOid = '',
  sign = '',
  newAt,
  newOid = '',
  subject = '',
]: RegExpExecArray): CommitPair {
  return {
    kind: kinds[sign] ?? 'changed',
    old: oldAt === undefined ? undefined : { at: Number(oldAt), oid: oldOid },
    new: newAt === undefined ? undefined : { at: Number(newAt), oid: newOid },
    subject,
    patch: '',
    isCut: false,
  };
}
