// What a line looks like that tells of an error: the words with which compilers, linters and test runners begin
// theirs. A guess for the reader's eye and for "first error" only: no state is ever read out of a log.

const errorLine = new RegExp(
  [
    // `error:`, `error[E0308]:`, `error TS2304:`, `TypeError [CODE]:`, `panic:`, after a place or at the beginning.
    String.raw`(?:^|[\s[(])(?:(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception)|[Ee]rror|ERROR|[Ff]atal(?: error)?|FATAL|panic|PANIC)(?: ?\[\w+\]| [A-Z]+\d+)?:\s`,
    // `3:14  error  Unexpected any`, `npm error code`, `npm ERR!`.
    String.raw`\s\d+:\d+\s+error\s`,
    String.raw`^npm (?:error|ERR!)`,
    // What test runners print before the name of a failing test, and before the reason.
    String.raw`^\s*(?:not ok\s\d|--- FAIL:|FAIL(?:ED)?[:\s]|[✗✘✖✕×]\s)`,
    String.raw`^E\s{2,}\S`,
    String.raw`^Traceback \(most recent call last\)`,
    String.raw`^make(?:\[\d+\])?: \*\*\*`,
    String.raw`^::error[\s:]`,
  ].join('|'),
);

/** Whether one line, without its colours, looks like an error. */
export const looksLikeError = (line: string): boolean => errorLine.test(line);

/**
 * Finds fast what may stand in such a line, in a text of which each character is one byte of UTF-8. Every line that
 * looks like an error has a match; what matches has still to be looked at.
 */
export const errorHint =
  /rror|ERR|[Ff]atal|FATAL|panic|PANIC|xception|Traceback|not ok|FAIL|\*\*\*|E[ \t]{2}|\u00E2\u009C[\u0095-\u0098]|\u00C3\u0097/g;
