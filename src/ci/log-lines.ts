// A range of a log as lines for a page: number, time since the start, and coloured spans.
import type { Forge } from '../forge/open.ts';
import { plainStyle, spansOfLine, type Span } from '../lib/ansi.ts';
import { readLineMarks, readLog, type LogQuestion } from './log.ts';
import type { Attempt } from './model.ts';

export interface LogLine {
  number: number | undefined;
  /** Milliseconds since the attempt started. */
  sinceStart: number | undefined;
  spans: Span[];
}

export interface LogPage {
  lines: LogLine[];
  next: number;
  ended: boolean;
  /** Bytes before the first line shown. */
  skippedBytes: number;
}

export async function readLogLines(forge: Forge, attempt: Attempt, question: LogQuestion): Promise<LogPage> {
  const { text, from, next, ended } = await readLog(forge, attempt, question);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const marks = await readLineMarks(forge, attempt, { from, count: lines.length });
  let style = plainStyle;
  const shown = lines.map((line, place): LogLine => {
    const read = spansOfLine(line, style);
    style = read.style;
    const mark = marks[place];
    const sinceStart =
      mark === undefined || attempt.startedAt === undefined
        ? undefined
        : Math.max(0, mark.at - attempt.startedAt);
    return { number: mark?.number, sinceStart, spans: read.spans };
  });
  return { lines: shown, next, ended, skippedBytes: from };
}
