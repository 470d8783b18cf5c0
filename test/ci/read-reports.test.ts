// Reports as lanes leave them, read by a real process over a real commit.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { LaneResult, StartMessage } from '../../src/ci/lanes/lane-message.ts';
import { withTests } from '../../src/ci/tests/read-reports.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const open = useForge();
const mebibyte = 1024 * 1024;

const failing = (name: string, output: string) =>
  `<testcase name="${name}"><failure message="no">${output}</failure></testcase>`;

async function stage(order: Partial<StartMessage> = {}) {
  const testForge = await open();
  const repo = await testForge.repo('demo/app');
  const folder = testForge.repoFolder(repo);
  const files = { 'src/a.ts': 'a\n', 'web/test/b.test.ts': 'b\n', 'docs/ü.md': 'x' };
  const commit = await pushFiles(testForge.forge.git, { repo: folder, branch: 'main', files });
  const scratch = mkdtempSync(join(tmpdir(), 'pika-reports-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const reportsFolder = join(scratch, 'reports');
  mkdirSync(reportsFolder);
  const start = {
    reports: ['**/*.xml'],
    reportsFolder,
    logFolder: join(scratch, 'log'),
    objects: join(folder, 'objects'),
    commit,
    searchPath: process.env['PATH'] ?? '',
    cookie: 'none',
    tier: 'none',
    folder: '/checkouts/1-1',
    leaseMs: 60 * 60_000,
    maxReportedTests: 1000,
    maxReportMemoryBytes: 256 * mebibyte,
    reportMs: 10 * 60_000,
    ...order,
  } as StartMessage;
  /** Puts reports down as the lane thread does, and reads them. */
  const read = (contents: Record<string, string | Buffer>, result: Partial<LaneResult> = {}) => {
    const reports = Object.entries(contents).map(([path, content], place) => {
      writeFileSync(join(reportsFolder, `${place}.xml`), content);
      return { path, stored: `${place}.xml` };
    });
    return withTests(start, { outcome: 'failed', reports, ...result });
  };
  return { read };
}

describe('the reports of a lane', () => {
  test('become tests with their place in the commit, and without the folder it was checked out to', async () => {
    const { read } = await stage();
    const stack = 'Error: no\n    at f (/checkouts/1-1/work/src/a.ts:7:1)';
    const { tests } = await read({
      'out/junit.xml': `<testsuite>${failing('one', stack)}<testcase name="two"/></testsuite>`,
      'web/out/junit.xml': `<testsuite>${failing('three', 'at test/b.test.ts:3:1')}</testsuite>`,
    });
    expect(tests).toEqual({
      reports: [
        { path: 'out/junit.xml', tests: 2 },
        { path: 'web/out/junit.xml', tests: 1 },
      ],
      tests: [
        {
          suite: '',
          name: 'one',
          state: 'failed',
          flaky: false,
          message: 'no',
          output: 'Error: no\n    at f (src/a.ts:7:1)',
          file: 'src/a.ts',
          line: 7,
        },
        { suite: '', name: 'two', state: 'passed', flaky: false },
        {
          suite: '',
          name: 'three',
          state: 'failed',
          flaky: false,
          message: 'no',
          output: 'at test/b.test.ts:3:1',
          file: 'web/test/b.test.ts',
          line: 3,
        },
      ],
    });
  });

  test('are read in the encoding they name', async () => {
    const { read } = await stage();
    const text = (encoding: string) =>
      `<?xml version="1.0" encoding="${encoding}"?><testsuite><testcase name="größe"/></testsuite>`;
    const { tests } = await read({
      'a.xml': Buffer.from(text('ISO-8859-1'), 'latin1'),
      'b.xml': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text('utf-16'), 'utf16le')]),
      'c.xml': text('no-such-encoding'),
    });
    expect(tests?.tests.map(({ name }) => name)).toEqual(['größe', 'größe', 'größe']);
  });

  test('that are missing are named', async () => {
    const { read } = await stage({ reports: ['junit.xml', 'other/*.tap'] });
    const { tests } = await read({ 'junit.xml': '<testsuite/>' });
    expect(tests?.reports).toEqual([
      { path: 'junit.xml', tests: 0 },
      { path: 'other/*.tap', tests: 0, problem: expect.stringContaining('no such file') as string },
    ]);
  });

  test.each<[string, Partial<LaneResult>]>([
    ['of a lane that runs again', { outcome: 'stopped', cause: 'requeue' }],
    ['of a lane that lost its claim', { outcome: 'stopped', cause: 'lost' }],
    [
      'of a lane that was cancelled before it wrote any',
      { outcome: 'stopped', cause: 'cancelled', reports: [] },
    ],
  ])('%s are not looked at', async (_which, result) => {
    const { read } = await stage();
    const report = '<testsuite><testcase name="x"/></testsuite>';
    expect(await read({ 'a.xml': report }, result)).not.toHaveProperty('tests');
  });

  test('that need too much memory end their process and nothing else, and the others are read', async () => {
    const { read } = await stage({ maxReportMemoryBytes: 48 * mebibyte });
    const { tests } = await read({
      'a.xml': '<testsuite><testcase name="first"/></testsuite>',
      'bomb.xml': `<testsuite>${'<a/>'.repeat(1_500_000)}</testsuite>`,
      'z.xml': '<testsuite><testcase name="last"/></testsuite>',
    });
    expect(tests?.tests.map(({ name }) => name)).toEqual(['first', 'last']);
    expect(tests?.reports[1]).toMatchObject({ path: 'bomb.xml', problem: 'reading it took too much memory' });
  });

  test('are given up when their time is over, and those that were read by then stay', async () => {
    const { read } = await stage({ reportMs: 1 });
    const { tests } = await read({ 'slow.xml': '<testsuite><testcase name="x"/></testsuite>' });
    expect(tests).toEqual({
      reports: [{ path: 'slow.xml', tests: 0, problem: 'reading the reports took too long' }],
      tests: [],
    });
  });

  test('are no more than may be kept: the number of tests, and the length of their outputs together', async () => {
    const { read } = await stage({ maxReportedTests: 400 });
    const { tests } = await read({
      'a.xml': `<testsuite>${'<testcase name="passes"/>'.repeat(500)}</testsuite>`,
      'b.xml': `<testsuite>${'<testcase name="passes"/>'.repeat(5)}${failing('fails', 'x'.repeat(15_000)).repeat(500)}</testsuite>`,
    });
    expect(tests?.reports).toMatchObject([
      { tests: 400, problem: '100 tests are left out: a lane reports at most 400' },
      { tests: 500, problem: '5 tests are left out: a lane reports at most 0' },
    ]);
    const outputs = tests?.tests.flatMap(({ output }) => output ?? []) ?? [];
    expect(outputs.join('').length).toBeLessThanOrEqual(4 * mebibyte);
    expect(outputs.length).toBeGreaterThan(200);
  });
});
