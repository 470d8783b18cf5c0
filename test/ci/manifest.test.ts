import { describe, expect, test } from 'vitest';
import { readLanes } from '../../src/ci/manifest.ts';

const limits = { maxLanesPerManifest: 3, maxLaneMinutes: 60 };
const read = (text: string) => readLanes(text, limits);
const refusal = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('a manifest', () => {
  test('fills what is left out from its defaults, then from ours', () => {
    const [unit, lint] = read(`
[defaults]
idle_minutes = 2
env = { A = "1", B = "1" }
[[lane]]
id = "unit"
command = ["npm", "test"]
needs = ["lint"]
env = { B = "2" }
[[lane]]
id = "lint"
title = "Lint"
command = "npm run lint"
required = false
timeout_minutes = 5
`);
    expect(unit).toMatchObject({
      key: 'unit',
      title: 'unit',
      required: true,
      timeoutSeconds: 1800,
      idleSeconds: 120,
    });
    expect(unit?.env).toEqual({ A: '1', B: '2' });
    expect(lint).toMatchObject({
      title: 'Lint',
      required: false,
      timeoutSeconds: 300,
      command: 'npm run lint',
    });
  });

  test('may be empty', () => {
    expect(read('')).toEqual([]);
  });

  const lane = '[[lane]]\nid = "a"\ncommand = "true"\n';
  test.each([
    ['broken TOML', '[[lane]]\nid = \n', /line 2: this is not TOML/],
    [
      'a pattern that is none',
      `${lane}paths = ["src/**", "a{b"]\n`,
      /line 4: .*expected a pattern of paths, but a \{ of the pattern is not closed/,
    ],
    [
      'a key that there is not',
      `${lane}image = "node"\n`,
      /line 4: unknown key image of lane number 1; expected one of id, title/,
    ],
    [
      'a mistyped key, which is told before the one that is missing for it',
      '[[lane]]\nid = "a"\ncomand = "true"\n',
      /line 3: unknown key comand of lane number 1/,
    ],
    [
      'an unknown key at the top',
      `speed = 1\n${lane}`,
      /line 1: unknown key speed; expected one of version, defaults, lane, nightly/,
    ],
    [
      'an unknown key of the defaults',
      `[defaults]\nretries = 1\n${lane}`,
      /line 2: unknown key retries; expected one of timeout_minutes/,
    ],
    ['no command', '[[lane]]\nid = "a"\n', /line 1: command of lane number 1: expected a command/],
    ['no id', '[[lane]]\ncommand = "true"\n', /line 1: id of lane number 1: expected a text of a-z/],
    [
      'an id with a slash',
      '[[lane]]\nid = "a/b"\ncommand = "true"\n',
      /line 2: id of lane number 1: expected 1 to 64 of a-z/,
    ],
    [
      'an empty argv',
      '[[lane]]\nid = "a"\ncommand = []\n',
      /line 3: command of lane number 1: expected a command/,
    ],
    [
      'a text for minutes',
      `${lane}timeout_minutes = "ten"\n`,
      /line 4: timeout_minutes of lane number 1: expected a whole number of minutes from 1 to 60/,
    ],
    ['too many minutes', `${lane}timeout_minutes = 61\n`, /line 4: timeout_minutes .* from 1 to 60/],
    [
      'a number in env',
      `${lane}env = { A = 1 }\n`,
      /line 4: env\.A of lane number 1: expected a text in quotes/,
    ],
    [
      'a variable of the forge',
      `${lane}env = { PIKA_RUN = "1" }\n`,
      /line 4: env\.PIKA_RUN .*belong to the forge/,
    ],
    [
      'a need that does not exist',
      `${lane}needs = ["b"]\n`,
      /line 4: needs of lane "a": there is no lane "b"/,
    ],
    [
      'a lane that needs itself',
      `${lane}needs = ["a"]\n`,
      /line 4: needs: the lanes wait for each other: a → a/,
    ],
    ['an id used twice', `${lane}${lane}`, /line 5: id: "a" is the id of lane number 1 already/],
    [
      'too many lanes',
      ['a', 'b', 'c', 'd'].map((id) => lane.replace('"a"', `"${id}"`)).join(''),
      /expected at most 3 lanes/,
    ],
    ['a version of a later day', `version = 2\n${lane}`, /line 1: version: expected 1/],
    ['a table for lane', '[lane]\nid = "a"\n', /line 1: lane: expected \[\[lane\]\] tables/],
  ])('with %s is refused by line and key', (_name, text, expected) => {
    expect(refusal(text)).toMatch(expected);
    expect(refusal(text)).toMatch(/^\.pika\/lanes\.toml(, line \d+)?: [^\n]+\.$/);
  });

  test('with a circle of needs names the circle', () => {
    const circle = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
    ].map(([id, need]) => `[[lane]]\nid = "${id}"\ncommand = "true"\nneeds = ["${need}"]\n`);
    expect(refusal(circle.join(''))).toContain('a → b → c → a');
  });
});
