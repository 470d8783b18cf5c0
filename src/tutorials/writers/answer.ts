// What a model answered, made a tutorial or refused. Nothing in it is believed: the JSON may stand anywhere in prose, the
// hunks may not exist, and the text may hold anything.
import { z } from 'zod';
import { stripControls } from '../../lib/ansi.ts';
import type { HunkKey, TutorialBody, TutorialStep } from '../model.ts';
import { WriterFailure } from './writer.ts';

const maxSteps = 12;
const maxTries = 50;
const longest = { summary: 2000, title: 120, intent: 500, prose: 10_000 };

const answerShape = z.object({
  summary: z.string(),
  steps: z
    .array(
      z.object({
        title: z.string(),
        intent: z.string().default(''),
        prose: z.string().default(''),
        hunks: z.array(z.string()),
      }),
    )
    .min(1)
    .max(1000),
});
type Answer = z.output<typeof answerShape>;

/**
 * The tutorial that the text holds. Throws a `WriterFailure` that may pass when it holds none, or names no hunk that there
 * is. `isCut`: the model stopped at its limit.
 */
export function readAnswer(text: string, names: ReadonlyMap<string, HunkKey>, isCut: boolean): TutorialBody {
  const answer = findAnswer(text);
  if (answer === undefined) {
    throw isCut
      ? new WriterFailure('its answer was cut at the limit of the model', { passes: false })
      : new WriterFailure('its answer holds no tutorial as JSON', { passes: true });
  }
  const steps = answer.steps.slice(0, maxSteps).map((step) => toStep(step, names));
  if (steps.every(({ hunks }) => hunks.length === 0)) {
    throw new WriterFailure('its answer names no hunk of the branch', { passes: true });
  }
  return { summary: plain(answer.summary, longest.summary), steps };
}

function toStep(step: Answer['steps'][number], names: ReadonlyMap<string, HunkKey>): TutorialStep {
  return {
    title: oneLine(step.title, longest.title) || 'A step without a title',
    intent: oneLine(step.intent, longest.intent),
    prose: plain(step.prose, longest.prose),
    hunks: step.hunks.flatMap((name) => keysOf(name, names)),
    folded: false,
  };
}

/** `h3` is one hunk, `h3-h7` five. What does not exist is nothing; coverage takes care of the rest. */
function keysOf(name: string, names: ReadonlyMap<string, HunkKey>): HunkKey[] {
  const match = /^\s*h(\d{1,7})(?:\s*-\s*h?(\d{1,7}))?\s*$/i.exec(name);
  if (match === null) return [];
  const first = Number(match[1]);
  const last = Math.min(match[2] === undefined ? first : Number(match[2]), names.size);
  const keys: HunkKey[] = [];
  for (let number = first; number <= last; number += 1) {
    const key = names.get(`h${number}`);
    if (key !== undefined) keys.push(key);
  }
  return keys;
}

/** The first object in the text that is a tutorial: alone, in a fence, or between sentences. */
function findAnswer(text: string): Answer | undefined {
  let at = text.indexOf('{');
  for (let tries = 0; at >= 0 && tries < maxTries; tries += 1) {
    const end = endOfObject(text, at);
    const answer = end === undefined ? undefined : parseAnswer(text.slice(at, end));
    if (answer !== undefined) return answer;
    // An object that is none is left by its first brace: the tutorial may stand inside of it.
    at = text.indexOf('{', at + 1);
  }
  return undefined;
}

function parseAnswer(text: string): Answer | undefined {
  try {
    const parsed = answerShape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** The place after the brace that closes the one at `start`; braces in strings do not count. */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  let isString = false;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (isString) {
      if (character === '\\') at += 1;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === '{') depth += 1;
    else if (character === '}') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

// Marks that turn text around or hide it; pages show them, but nothing here needs them.
const bidirectional = /[\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
const colour = /\u001B\[[0-9;:]*m/g; // oxlint-disable-line no-control-regex -- what stripControls leaves

const plain = (text: string, most: number): string =>
  stripControls(text.replaceAll('\r\n', '\n'))
    .replaceAll(colour, '')
    .replaceAll(bidirectional, '')
    .slice(0, most)
    .trim();

const oneLine = (text: string, most: number): string => plain(text, most).replaceAll(/\s+/g, ' ');
