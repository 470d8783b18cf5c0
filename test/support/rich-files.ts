// What the repository of rich-forge.ts holds: files of many kinds, and branches that change them in many ways.
import type { Files, PushFiles } from './push-files.ts';
import { manifestOf } from './sample-project.ts';

const picture = (color: number): Buffer =>
  Buffer.concat([
    Buffer.from('474946383961010001008000000000', 'hex').subarray(0, 13),
    Buffer.from([color, 128, 128, 255, 255, 255]),
    Buffer.from('2c00000000010001000002024401003b', 'hex'),
  ]);

const report = `<testsuite name="clock"><testcase classname="clock" name="ticks every second"/>
<testcase classname="clock" name="strikes at noon, and says so to everybody who listens to it">
<failure message="expected 12 strikes, counted 11">at strike (test/clock.test.ts:12:7)</failure></testcase></testsuite>`;

const unit = `cat > junit.xml <<'END'
${report}
END
echo "::group::Prepare"; echo "get it ready"; echo "::endgroup::"; echo "counting strikes"; mkdir -p out
echo kept > out/strikes.txt; if [ -e strike.txt ]; then echo "Error: counted 11 strikes"; exit 1; fi`;

const nightly = '\n[[nightly]]\nid = "soak"\nschedule = "0 3 * * *"\ncommand = "true"\n';
const lane = `\nartifacts = ["out"]\nreports = ["junit.xml"]\n`;

const lines = (from: number, to: number, say: (at: number) => string): string =>
  Array.from({ length: to - from + 1 }, (_, at) => `${say(from + at)}\n`).join('');

const clock = lines(1, 60, (at) => `export const hour${at} = (minute: number): number => minute * ${at};`);

export const filesOfMain: Files = {
  'README.md':
    '# App\n\nA clock.\n\n| part | does |\n|---|---|\n| clock | ticks |\n\n```ts\nconst a = 1;\n```\n',
  'src/clock.ts': clock,
  'src/old-name.ts': lines(1, 30, (at) => `export const old${at} = ${at};`),
  'src/gone.ts': 'export const gone = true;\n',
  'src/a/rather/deep/place/with-a-name-that-is-long-enough-to-be-cut-on-a-phone.ts': 'export const a = 1;\n',
  'run.sh': 'echo run\n',
  'face.gif': picture(0),
  'package-lock.json': `{\n${lines(1, 300, (at) => `  "p${at}": "1.0.${at}",`)}  "last": ""\n}\n`,
  '.pika/lanes.toml':
    manifestOf([
      { id: 'docs', command: 'true', paths: ['docs/**'] },
      { id: 'unit', command: unit },
    ]) +
    lane +
    nightly,
};

const tour: Files = {
  'src/clock.ts': clock
    .replace('minute * 3;', 'minute * 3 + 1; // the third')
    .replace('hour40 =', 'hourForty =')
    .replace('minute * 55', `minute * ${'55 * '.repeat(80)}1`),
  'src/old-name.ts': null,
  'src/new-name.ts': lines(1, 30, (at) => `export const old${at} = ${at === 7 ? 'seven' : at};`),
  'src/gone.ts': null,
  'src/a/rather/deep/place/with-a-name-that-is-long-enough-to-be-cut-on-a-phone.ts': 'export const a = 2;\n',
  'test/clock.test.ts': "import { test } from 'vitest';\ntest('ticks', () => undefined);\n",
  'run.sh': '#!/bin/sh\necho run\n',
  'face.gif': picture(200),
  'sound.bin': Buffer.from([0, 1, 2, 3, 255]),
  'package-lock.json': `{\n${lines(1, 300, (at) => `  "p${at}": "2.0.${at}",`)}  "last": ""\n}\n`,
  'README.md': '# App\n\nA clock that strikes.\n',
  'docs/strike.md': '# Strike\n\nAt noon.\n',
  'strike.txt': 'no newline at the end',
};

export const branchesOfRich: Pick<PushFiles, 'branch' | 'files' | 'message'>[] = [
  {
    branch: 'strike-at-noon',
    files: tour,
    message:
      'Let the clock strike at noon, and tell everybody who listens, however long the sentence that says so is\n\nIt was silent.\n',
  },
  { branch: 'conflict', files: { 'run.sh': 'echo twice\n' }, message: 'Run twice' },
  { branch: 'polite', files: { 'run.sh': 'echo please\n' }, message: 'Be polite' },
  { branch: 'docs', files: { 'docs/clock.md': '# Clock\n' }, message: 'Describe the clock' },
  { branch: 'given-up', files: { 'src/idea.ts': 'export {};\n' }, message: 'Try an idea' },
];
