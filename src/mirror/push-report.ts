// Reads what `git push --porcelain` prints (git-push(1), OUTPUT): a flag, `FROM:TO` and a summary with a reason, by tabs.

export type RefAnswer =
  | { ref: string; outcome: 'taken' }
  /** Nothing was wrong with it: something else of the push was. */
  | { ref: string; outcome: 'held-back' }
  /** Something else stands there than was expected. */
  | { ref: string; outcome: 'moved' }
  | { ref: string; outcome: 'diverged' }
  | { ref: string; outcome: 'refused'; reason: string }
  /** The remote did not say. */
  | { ref: string; outcome: 'unknown'; reason: string };

const maxReason = 300;

/** The remote's reasons go through `redact`. */
export function readPushReport(text: string, redact: (reason: string) => string): RefAnswer[] {
  return text.split('\n').flatMap((line) => {
    const [, flag = '', to = '', summary = ''] =
      /^([ +\-*!=])\t[^\t:]*:(refs\/[^\t]+)\t(.*)$/.exec(line) ?? [];
    return to === '' ? [] : [answerOf(flag, to, redact(summary))];
  });
}

function answerOf(flag: string, ref: string, summary: string): RefAnswer {
  if (flag !== '!') return { ref, outcome: 'taken' };
  const [, kind = '', words = ''] = /^\[([^\]]*)\](?: \((.*)\))?$/.exec(summary) ?? [];
  const reason = words.slice(0, maxReason);
  if (kind === 'rejected') return rejected(ref, reason);
  if (kind === 'remote rejected') {
    // receive-pack gives the first of these words to what failed only because something beside it did.
    if (/^atomic (?:push failure|transaction failed)/.test(reason)) return { ref, outcome: 'held-back' };
    return { ref, outcome: 'refused', reason: reason || 'the remote gave no reason' };
  }
  return { ref, outcome: 'unknown', reason: reason || kind || summary.slice(0, maxReason) };
}

/** What git did not even send. */
function rejected(ref: string, reason: string): RefAnswer {
  if (reason.startsWith('atomic push failed')) return { ref, outcome: 'held-back' };
  if (/^(?:stale info|remote ref updated since checkout)/.test(reason)) return { ref, outcome: 'moved' };
  return { ref, outcome: 'diverged' };
}

/** Whether the remote was found to take no push as a whole. */
export const lacksAtomic = (said: string): boolean =>
  /receiving end does not support --atomic push/.test(said);

/** What the remote itself said, without git's words around it. */
export const remoteWords = (said: string): string =>
  said
    .split('\n')
    .flatMap((line) => /^remote: ?(.*?)\s*$/.exec(line)?.[1] ?? [])
    .filter((line) => line !== '')
    .join('\n')
    .slice(0, 1000);
