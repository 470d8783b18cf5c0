// The tools of `ph mcp`, made from the same description of the commands that answers --help: one for each command
// that has an answer, with its arguments and options as named properties.
import type { Argument, Command, Option } from 'commander';
import { z } from 'zod';

export interface Tool {
  /** `secret_list`. */
  name: string;
  description: string;
  inputs: z.ZodObject;
  /** The command line without `ph` for what the inputs say. */
  argvOf: (inputs: Readonly<Record<string, unknown>>) => string[];
  /** It changes nothing on the forge. */
  isReading: boolean;
}

/** These talk to a person, or to a terminal, or about ph itself. */
const forPeople = ['login', 'logout', 'open', 'shell', 'completions', 'help', 'skill', 'mcp'];
/** An agent asks again in place of one answer that grows. */
const optionsForPeople = ['follow', 'json'];
const reading = ['whoami', 'status', 'wait', 'logs', 'url', 'diff', 'tutorial', 'conflicts', 'ci'];
/** Callers of tools give up on a silent answer sooner than people do; they wait again. */
const waitSeconds = '50s';

export function describeTools(program: Command): Tool[] {
  return leaves(program, [])
    .filter(({ words }) => !forPeople.includes(words[0] ?? ''))
    .map(({ command, words }) => describeTool(command, words));
}

function leaves(command: Command, words: string[]): { command: Command; words: string[] }[] {
  if (command.commands.length === 0) return words.length === 0 ? [] : [{ command, words }];
  return command.commands.flatMap((child) => leaves(child, [...words, child.name()]));
}

interface Input {
  key: string;
  shape: z.ZodType;
  /** What a value becomes on the command line. */
  words: (value: unknown) => string[];
}

function describeTool(command: Command, words: string[]): Tool {
  const options = command.options.filter((option) => !optionsForPeople.includes(option.attributeName()));
  const named = options.map(inputOfOption);
  const placed = command.registeredArguments.map(inputOfArgument);
  const hasJson = command.options.some((option) => option.attributeName() === 'json');
  const common: Record<string, z.ZodType> = {
    folder: z
      .string()
      .optional()
      .describe('the git checkout it is about; without it the one ph mcp started in'),
  };
  if (hasJson) {
    common['json'] = z.boolean().optional().describe('answer in JSON of a stable shape, in place of text');
  }
  const shapes = Object.fromEntries([...placed, ...named].map(({ key, shape }) => [key, shape]));
  return {
    name: words.join('_').replaceAll('-', '_'),
    description: `${command.description()} (ph ${words.join(' ')})`,
    inputs: z.strictObject({ ...shapes, ...common }),
    isReading: reading.includes(words.join(' ')) || words.at(-1) === 'list',
    argvOf: (inputs) => {
      const given = (list: readonly Input[]): string[] =>
        list.flatMap(({ key, words: say }) => (inputs[key] === undefined ? [] : say(inputs[key])));
      const json = inputs['json'] === true ? ['--json'] : [];
      // What comes after -- is never taken for an option, whatever it looks like.
      return [...words, ...json, ...given(named), '--', ...given(placed)];
    },
  };
}

/** A number may come as one, wherever ph counts something. */
const wordShape = z.union([z.string(), z.number()]);

function inputOfOption(option: Option): Input {
  const flag = option.long ?? `--${option.name()}`;
  const key = flag.slice(2).replaceAll('-', '_');
  const takesValue = option.required || option.optional;
  if (!takesValue) {
    const say = (value: unknown): string[] => (value === true ? [flag] : []);
    return { key, shape: z.boolean().optional().describe(option.description), words: say };
  }
  const one = valueShape(option);
  const shape = option.variadic ? z.array(one) : one;
  const say = (value: unknown): string[] => [value].flat().map((word) => `${flag}=${String(word)}`);
  const isWait = key === 'timeout';
  const text = isWait
    ? `${option.description} (answers "timed out" then; call it again)`
    : option.description;
  const described = (
    isWait ? shape.default(waitSeconds) : option.mandatory ? shape : shape.optional()
  ).describe(text);
  return { key, shape: described, words: say };
}

function valueShape(option: Option): z.ZodType {
  if (option.argChoices !== undefined) return z.enum(option.argChoices);
  return option.flags.includes('<number>') ? wordShape : z.string();
}

function inputOfArgument(argument: Argument): Input {
  const one = argument.argChoices === undefined ? wordShape : z.enum(argument.argChoices);
  const shape = argument.variadic ? z.array(one) : one;
  return {
    key: argument.name(),
    shape: (argument.required ? shape : shape.optional()).describe(argument.description || argument.name()),
    words: (value) => [value].flat().map(String),
  };
}
