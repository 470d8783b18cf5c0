// Finds lines in the files of one commit.
import type { Forge } from '../forge/open.ts';
import { grep, type GrepFile } from '../git/grep.ts';
import { GitError } from '../git/run.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoPath } from '../repos/path.ts';
import { readOnce } from './costly-read.ts';
import type { Place } from './place.ts';

export interface ContentQuery {
  text: string;
  isRegex: boolean;
  matchesCase: boolean;
}

export interface FoundLines {
  files: GrepFile[];
  /** `enough`: as many files as are shown; `time`: git was stopped; `bytes`: the answer is too large. */
  end: 'whole' | 'enough' | 'bytes' | 'time';
}

const maxTextLength = 200;

/** Refuses (`invalid`) a text that is empty, long, of several lines, or no regular expression. */
export async function searchContent(forge: Forge, place: Place, query: ContentQuery): Promise<FoundLines> {
  const { maxSearchFiles, maxSearchLinesPerFile, readSeconds } = forge.config.limits;
  checkText(query.text);
  try {
    return await readOnce(forge, {
      repoId: place.repo.id,
      key: `grep ${place.commit} ${Number(query.isRegex)}${Number(query.matchesCase)} ${place.path}\0${query.text}`,
      read: () =>
        grep(forge.git, {
          repo: repoPath(forge, place.repo.id),
          commit: place.commit,
          folder: place.path,
          ...query,
          maxFiles: maxSearchFiles,
          maxLinesPerFile: maxSearchLinesPerFile,
          maxMs: readSeconds * 1000,
        }),
      sizeOf: ({ files, end }) =>
        end === 'time' ? undefined : files.reduce((sum, file) => sum + 200 + 600 * file.lines.length, 200),
    });
  } catch (error) {
    const cause = error instanceof GitError ? regexFault(error) : undefined;
    if (!query.isRegex || cause === undefined) throw error;
    throw new ForgeError('invalid', `This regular expression is not understood: ${cause}.`, { cause: error });
  }
}

function checkText(text: string): void {
  if (text === '') throw new ForgeError('invalid', 'Say what to look for.');
  if (text.length > maxTextLength) {
    throw new ForgeError('invalid', `Look for at most ${maxTextLength} characters at once.`);
  }
  if (/[\0\n\r]/.test(text))
    throw new ForgeError('invalid', 'Look for a part of one line; this has several.');
}

/** What the library said, without the expression, which the reader knows. */
function regexFault(error: GitError): string | undefined {
  const said = error.stderr.trim().split('\n').at(-1) ?? '';
  if (/(?:match|stack|depth|heap) limit|recursion/i.test(said)) return 'it takes too long to match';
  if (!/-e option|pcre|perl|regular expression|regex/i.test(said)) return undefined;
  return /: ([^:]+)$/.exec(said)?.[1]?.trim() ?? 'git refuses it';
}
