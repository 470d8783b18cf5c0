import { describe, expect, test } from 'vitest';
import { readLanes, readManifest } from '../../src/ci/manifest/manifest.ts';

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

const lane = '[[lane]]\nid = "a"\ncommand = "true"\n';
const nightly = '[[nightly]]\nid = "n"\ncommand = "true"\n';

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

  test('gives a lane what every key says', () => {
    const [unit] = read(`
[[lane]]
id = "unit"
title = "Unit tests"
command = ["npm", "test"]
paths = ["src/**", "!src/**/*.md"]
timeout_minutes = 5
idle_minutes = 3
group = "apple-host"
target = "linux-big"
required = false
env = { A = "1" }
cache = [{ key = "npm-\${hash:package-lock.json}", paths = [".npm", "node_modules"] }]
artifacts = ["coverage/**"]
reports = ["junit.xml", "*.tap"]
secrets = ["NPM_TOKEN", "NPM_TOKEN"]
network = false
retry = { infrastructure = 2, timeout = 0 }
keep_running = true
`);
    expect(unit).toEqual({
      id: 'unit',
      key: 'unit',
      title: 'Unit tests',
      command: ['npm', 'test'],
      paths: ['src/**', '!src/**/*.md'],
      needs: [],
      group: 'apple-host',
      required: false,
      env: { A: '1' },
      timeoutSeconds: 300,
      idleSeconds: 180,
      target: 'linux-big',
      extras: {
        caches: [{ key: 'npm-${hash:package-lock.json}', paths: ['.npm', 'node_modules'] }],
        artifacts: ['coverage/**'],
        reports: ['junit.xml', '*.tap'],
        secrets: ['NPM_TOKEN'],
        network: false,
        retry: { infrastructure: 2 },
        keepRunning: true,
      },
    });
  });

  test('keeps nightlies apart from lanes, with the same keys and a schedule', () => {
    const { lanes, nightlies } = readManifest(
      `${lane}[[nightly]]
id = "soak"
schedule = "0 3 * * *"
command = "make soak"
timeout_minutes = 45
matrix = { seed = ["1", "2"] }
`,
      limits,
    );
    expect(lanes.map(({ key }) => key)).toEqual(['a']);
    expect(nightlies).toMatchObject([
      {
        id: 'soak',
        schedule: '0 3 * * *',
        lanes: [{ key: 'soak.1', timeoutSeconds: 2700 }, { key: 'soak.2' }],
      },
    ]);
  });

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
    [
      'a retry of test failures',
      `${lane}retry = { test_failure = 1 }\n`,
      /line 4: unknown key retry\.test_failure of lane number 1; expected one of infrastructure, timeout, idle_timeout, lost/,
    ],
    [
      'too many retries',
      `${lane}retry = { lost = 6 }\n`,
      /line 4: retry\.lost of lane number 1: expected a whole number from 0 to 5/,
    ],
    ['a text for a cache', `${lane}cache = ["x"]\n`, /line 4: cache\.0 of lane number 1: expected tables/],
    [
      'a cache without paths',
      `${lane}cache = [{ key = "x" }]\n`,
      /line 4: cache\.0\.paths of lane number 1: expected a list of paths/,
    ],
    [
      'a cache in a table of its own',
      `${lane}[[lane.cache]]\nkey = "x"\npath = ["y"]\n`,
      /line 4: unknown key cache\.path of lane number 1; expected one of key, paths/,
    ],
    [
      'a cache outside the checkout',
      `${lane}cache = [{ key = "x", paths = ["../.."] }]\n`,
      /line 4: cache\.0\.paths\.0 .*inside the checkout/,
    ],
    [
      'an unknown placeholder in the key of a cache',
      `${lane}cache = [{ key = "\${env:HOME}", paths = ["y"] }]\n`,
      /line 4: cache\.0\.key .*no placeholder but \$\{hash:pattern\}/,
    ],
    [
      'a bad pattern in the key of a cache',
      `${lane}cache = [{ key = "\${hash:a[}", paths = ["y"] }]\n`,
      /line 4: cache\.0\.key .*a \[ of the pattern is not closed/,
    ],
    [
      'artifacts outside the checkout',
      `${lane}artifacts = ["/etc/*"]\n`,
      /line 4: artifacts\.0 .*inside the checkout/,
    ],
    [
      'a text for reports',
      `${lane}reports = "junit.xml"\n`,
      /line 4: reports of lane number 1: expected a list of patterns, e\.g\. \["junit\.xml"\]/,
    ],
    ['a secret of the forge', `${lane}secrets = ["PIKA_KEY"]\n`, /line 4: secrets\.0 .*belong to the forge/],
    [
      'a text for network',
      `${lane}network = "no"\n`,
      /line 4: network of lane number 1: expected true or false/,
    ],
    [
      'a number for keep_running',
      `${lane}keep_running = 1\n`,
      /line 4: keep_running of lane number 1: expected true or false/,
    ],
    [
      'a target with a blank',
      `${lane}target = "big one"\n`,
      /line 4: target of lane number 1: expected 1 to 64 of a-z/,
    ],
    [
      'a group with a slash',
      `${lane}group = "a/b"\n`,
      /line 4: group of lane number 1: expected 1 to 64 letters/,
    ],
    [
      'numbers in a matrix',
      `${lane}matrix = { node = [22] }\n`,
      /line 4: matrix\.node\.0 of lane number 1: expected texts in quotes/,
    ],
    [
      'a text for a matrix',
      `${lane}matrix = "22"\n`,
      /line 4: matrix of lane number 1: expected a table of lists/,
    ],
    ['an empty matrix', `${lane}matrix = {}\n`, /line 4: matrix of lane number 1: expected a table of lists/],
    [
      'a value twice',
      `${lane}matrix = { node = ["22", "22"] }\n`,
      /line 4: matrix\.node of lane number 1: expected each value once/,
    ],
    [
      'values that make one name',
      `${lane}matrix = { os = ["a b", "a-b"] }\n`,
      /line 4: matrix of "a": two combinations are called "a\.a-b"/,
    ],
    [
      'values that make a long name',
      `${lane}matrix = { os = ["${'x'.repeat(63)}"] }\n`,
      /line 4: matrix of "a": .*longer name than 64/,
    ],
    [
      'a name that the matrix does not have',
      `${lane}matrix = { node = ["22"] }\ntitle = "on \${matrix.os}"\n`,
      /line 5: title of "a": there is no matrix value "os"; expected one of: node/,
    ],
    [
      'a placeholder without a matrix',
      `${lane}title = "on \${matrix.os}"\n`,
      /line 4: title of "a": there is no matrix value "os"; this lane has no matrix/,
    ],
    [
      'a value that makes a bad target',
      `${lane}matrix = { on = ["ok", "not ok"] }\ntarget = "\${matrix.on}"\n`,
      /line 5: target of lane number 1: expected 1 to 64 of a-z/,
    ],
    [
      'a value that leads out of the checkout',
      `${lane}matrix = { on = ["..", "a"] }\nartifacts = ["\${matrix.on}/x"]\n`,
      /line 5: artifacts\.0 of lane number 1: .*inside the checkout/,
    ],
    [
      'more lanes than may be, spelled by a matrix',
      `${lane}matrix = { x = ["1", "2"], y = ["1", "2"] }\n`,
      /line 4: matrix: 4 lanes are spelled; expected at most 3/,
    ],
    [
      'a matrix of millions',
      `${lane}matrix = { ${['v', 'w', 'x', 'y', 'z'].map((name) => `${name} = [${Array.from({ length: 32 }, (_unused, index) => `"${index}"`).join()}]`).join()} }\n`,
      /line 4: matrix: 33554432 lanes are spelled/,
    ],
    [
      'a need of a combination that there is not',
      `${lane}matrix = { x = ["1"] }\n[[lane]]\nid = "b"\ncommand = "true"\nneeds = ["a.2"]\n`,
      /line 8: needs of lane "b": there is no lane "a\.2"; expected one of: a, a\.1/,
    ],
    [
      'a nightly without a schedule',
      nightly,
      /line 1: schedule of nightly number 1: expected a cron pattern of five fields/,
    ],
    [
      'a schedule of six fields',
      `${nightly}schedule = "0 0 3 * * *"\n`,
      /line 4: schedule of nightly number 1: expected a cron pattern.*requires exactly 5 parts/,
    ],
    [
      'a schedule that is none',
      `${nightly}schedule = "at three"\n`,
      /line 4: schedule of nightly number 1: expected a cron pattern/,
    ],
    [
      'a time that never comes',
      `${nightly}schedule = "0 0 30 2 *"\n`,
      /line 4: schedule of nightly number 1: .*that time never comes/,
    ],
    [
      'nightlies whose matrices spell too many lanes together',
      ['n', 'm']
        .map(
          (id) => `${nightly.replace('"n"', `"${id}"`)}schedule = "0 3 * * *"\nmatrix = { x = ["1", "2"] }\n`,
        )
        .join(''),
      /line 5: matrix: 4 lanes are spelled; expected at most 3/,
    ],
    [
      'too many nightlies',
      Array.from(
        { length: 17 },
        (_unused, index) => `${nightly.replace('"n"', `"n${index}"`)}schedule = "0 3 * * *"\n`,
      ).join(''),
      /expected at most 16 nightlies/,
    ],
    [
      'paths of a nightly',
      `${nightly}schedule = "0 3 * * *"\npaths = ["a"]\n`,
      /line 5: unknown key paths of nightly number 1; expected one of schedule, id/,
    ],
    [
      'needs of a nightly',
      `${nightly}schedule = "0 3 * * *"\nneeds = ["a"]\n`,
      /line 5: unknown key needs of nightly number 1/,
    ],
    [
      'a nightly twice',
      `${nightly}schedule = "0 3 * * *"\n${nightly}schedule = "0 4 * * *"\n`,
      /line 6: id: "n" is the id of nightly number 1 already/,
    ],
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
