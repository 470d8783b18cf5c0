// The forge's side of hooks/pre-receive and hooks/post-receive: lines in on one pipe, lines out on another.
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const maxLines = 10_000;
const maxBytes = 4 * 1024 * 1024;

export interface HookAnswers {
  /** Why the whole push is refused; empty accepts it. */
  check(push: { quarantine: string; lines: string[]; overflow: boolean }): Promise<string[]>;
  /** What to show to the one who pushed. */
  ring(): Promise<string[]>;
}

/** Anything but the two streams of one git is a fault of the program; `unknown` is what Node types them as. */
export function answerHooks(pipes: { questions: unknown; replies: unknown }, hooks: HookAnswers): void {
  const questions = pipes.questions as Readable;
  const replies = pipes.replies as Writable;
  let push: { quarantine: string; lines: string[]; overflow: boolean } | undefined;
  let bytes = 0;
  const reply = (lines: readonly string[], end: string) => {
    replies.write([...lines.map((line) => `say ${plain(line)}`), end, ''].join('\n'));
  };
  createInterface({ input: questions, crlfDelay: Infinity }).on('line', (line) => {
    if (push === undefined) {
      if (line.startsWith('check ')) push = { quarantine: line.slice(6), lines: [], overflow: false };
      else if (line === 'ring')
        void hooks.ring().then(
          (lines) => reply(lines, 'done'),
          () => reply([], 'done'),
        );
    } else if (line === 'end') {
      void hooks.check(push).then(
        (refusals) => reply(refusals, refusals.length === 0 ? 'accepted' : 'refused'),
        () => reply(['The forge could not check the push; nothing was changed. Push again.'], 'refused'),
      );
      push = undefined;
    } else {
      bytes += line.length;
      if (push.lines.length < maxLines && bytes < maxBytes) push.lines.push(line);
      else push.overflow = true;
    }
  });
}

/** One line, without control characters. */
const plain = (line: string): string => line.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
