import { expect, test } from 'vitest';
import { useForge } from '../support/forge.ts';
import { atTerminal, type Terminal } from './at-terminal.ts';

const open = useForge();

const attempts = ({ staged }: Terminal): string[] =>
  staged.forge.db
    .all<{ state: string }>('SELECT state FROM lane_attempts ORDER BY id')
    .map(({ state }) => state);

test('what failed is queued again, and the old attempt stays', async () => {
  const terminal = await atTerminal(await open(), { lane: 'failed' });
  expect(await terminal.ph('rerun', '--failed')).toEqual({
    status: 0,
    stdout: 'queued again in run 1: unit; wait with: ph wait\n',
    stderr: '',
  });
  expect(attempts(terminal)).toEqual(['failed', 'queued']);
});

test('one lane is run once more by its name, green or not', async () => {
  const terminal = await atTerminal(await open());
  const { stdout, status } = await terminal.ph('rerun', '--lane', 'unit', '--json');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ queued: ['unit'], run: { number: 1, state: 'queued' } });
  expect(attempts(terminal)).toEqual(['success', 'queued']);
});

test('what is queued is cancelled, and there is nothing to cancel afterwards', async () => {
  const terminal = await atTerminal(await open(), { lane: 'queued' });
  expect(await terminal.ph('cancel')).toMatchObject({
    status: 0,
    stdout: 'cancelled 1 lane of run 1; bring them back with: ph rerun --failed\n',
  });
  expect(attempts(terminal)).toEqual(['cancelled']);
  expect(await terminal.ph('cancel', '--lane', 'unit')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('Nothing of unit is queued or running any more'),
  });
});

test.each([
  [['rerun', '--failed'], 'success', 1, 'No lane failed in run 1'],
  [['rerun', '--lane', 'other'], 'success', 4, 'has no lane "other"'],
  [['rerun', '--lane', 'unit', '--failed'], 'success', 2, 'not both'],
  [['rerun'], 'none', 4, 'CI has not started'],
  [['cancel'], 'none', 4, 'CI has not started'],
] as const)('%j on a branch whose lane is: %s', async (args, lane, status, said) => {
  const { ph } = await atTerminal(await open(), { lane });
  const answer = await ph(...args);
  expect(answer.stderr).toContain(said);
  expect(answer).toMatchObject({ status, stdout: '' });
});
