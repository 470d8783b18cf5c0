// The forge's side of hooks/pre-receive and hooks/post-receive: lines in on one pipe, lines out on another.
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const maxLines = 10_000;
const maxBytes = 4 * 1024 * 1024;

export interface HookAnswers {
  /** Why the whole push is refused; empty accepts it. */
  check(push: { quarantine: string; lines: string[]; overflow: boolean }): Promise<string[]>;
  /** The push stands and is in the spool. Answers what to show to the one who pushed. */
  ring(): Promise<string[]>;
}

interface Asked {
  /** `check <quarantine>` before the refs are moved, `ring` after it. */
  what: string;
  lines: string[];
  overflow: boolean;
}

/**
 * Answers the hooks of one git; `save` writes the lines of an accepted push to the spool. Anything but the two
 * streams of that git is a fault of the program; `unknown` is what Node types them as.
 */
export function answerHooks(
  pipes: { questions: unknown; replies: unknown },
  hooks: HookAnswers & { save(lines: readonly string[]): Promise<void> },
): void {
  const questions = pipes.questions as Readable;
  const replies = pipes.replies as Writable;
  const reply = (lines: readonly string[], end: string) => {
    replies.write([...lines.map((line) => `say ${plain(line)}`), end, ''].join('\n'));
  };
  const check = async ({ what, lines, overflow }: Asked): Promise<void> => {
    try {
      const refusals = await hooks.check({ quarantine: what.slice(6), lines, overflow });
      reply(refusals, refusals.length === 0 ? 'accepted' : 'refused');
    } catch {
      reply(['The forge could not check the push; nothing was changed. Push again.'], 'refused');
    }
  };
  const ring = async ({ lines, overflow }: Asked): Promise<void> => {
    // The hook then saves what it has read itself.
    if (overflow) return reply([], 'failed');
    try {
      // Without lines, it has saved them before: they were many.
      if (lines.length > 0) await hooks.save(lines);
    } catch {
      return reply([], 'failed');
    }
    reply(await hooks.ring().catch(() => []), 'done');
  };
  listen(questions, (asked) => void (asked.what === 'ring' ? ring(asked) : check(asked)));
}

/** A question is one line that says what, the lines of the push, and `end`. */
function listen(questions: Readable, onAsked: (asked: Asked) => void): void {
  let asked: Asked | undefined;
  let bytes = 0;
  createInterface({ input: questions, crlfDelay: Infinity }).on('line', (line) => {
    if (asked === undefined) {
      if (line === 'ring' || line.startsWith('check ')) asked = { what: line, lines: [], overflow: false };
    } else if (line === 'end') {
      onAsked(asked);
      asked = undefined;
    } else {
      bytes += line.length;
      if (asked.lines.length < maxLines && bytes < maxBytes) asked.lines.push(line);
      else asked.overflow = true;
    }
  });
}

/** One line, without control characters. */
const plain = (line: string): string => line.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
