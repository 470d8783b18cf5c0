// Suggestions: fenced blocks of a comment, opened with ```suggestion, that say what its lines should be instead.
import { z } from 'zod';
import { reviewRequest } from './model.ts';

export type CommentPart = { kind: 'text'; text: string } | { kind: 'suggestion'; lines: string[] };

const fence = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$/;

/** A comment as its text and its suggestions, in order; what stands in other code, or is never closed, is text. */
export function partsOf(body: string): CommentPart[] {
  const lines = body.split(/\r?\n/);
  const parts: CommentPart[] = [];
  let text: string[] = [];
  const endText = (): void => {
    if (text.some((line) => line.trim() !== '')) parts.push({ kind: 'text', text: text.join('\n') });
    text = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    const opening = fence.exec(lines[at] ?? '');
    const end = opening === null ? -1 : closingOf(lines, at + 1, opening[1] ?? '');
    if (opening !== null && end !== -1 && opening[2]?.toLowerCase() === 'suggestion') {
      endText();
      parts.push({ kind: 'suggestion', lines: lines.slice(at + 1, end) });
      at = end;
      continue;
    }
    // Other code is taken over whole; one that is not closed goes on to the end, as in Markdown.
    const last = opening === null ? at : end === -1 ? lines.length - 1 : end;
    text.push(...lines.slice(at, last + 1));
    at = last;
  }
  endText();
  return parts;
}

function closingOf(lines: readonly string[], from: number, mark: string): number {
  const closes = (line: string): boolean => {
    const found = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
    return found !== undefined && found.startsWith(mark);
  };
  return lines.findIndex((line, at) => at >= from && closes(line));
}

/** The suggestions of a comment, each as the lines that it puts in place of those commented on. */
export const suggestionsIn = (body: string): string[][] =>
  partsOf(body).flatMap((part) => (part.kind === 'suggestion' ? [part.lines] : []));

export const maxSuggestionsAtOnce = 100;
export const applyRequest = z.strictObject({
  suggestions: z
    .array(
      z.strictObject({
        comment: z.number().int().positive(),
        /** Which suggestion of the comment, counted from 1. */
        number: z.number().int().min(1).max(1000).default(1),
        /** The SHA-256 of the lines that were read, in hexadecimal: refused when the comment was changed since. */
        digest: z
          .string()
          .regex(/^[0-9a-f]{64}$/, 'a SHA-256 of 64 hexadecimal digits')
          .optional(),
      }),
    )
    .min(1, 'name at least one suggestion')
    .max(maxSuggestionsAtOnce),
  /** The head that was read; refused when the branch has moved on. */
  head: reviewRequest.shape.head,
  /** The message of the commit, in place of the usual one. */
  message: z.string().trim().max(10_000).optional(),
});
export type ApplyRequest = z.infer<typeof applyRequest>;

export const appliedView = z.object({ applied: z.number(), head: z.string(), revision: z.number() });
