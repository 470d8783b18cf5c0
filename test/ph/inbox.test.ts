import { expect, test, vi } from 'vitest';
import { dismissView, inboxView } from '../../src/inbox/model.ts';
import { lookAtBranch } from '../../src/inbox/look.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal } from './at-terminal.ts';

vi.setConfig({ testTimeout: 300_000 });

const open = useForge();

test('ph inbox says what needs you and why, and takes branches out again', async () => {
  const { ph, staged, branch } = await atTerminal(await open());
  const { forge } = staged;
  forge.db.run('UPDATE branches SET author_id = NULL, title = :title', {
    title: 'Greet\u001B]0;x\u0007 politely',
  });
  forge.db.run('UPDATE revisions SET pushed_by = NULL');
  lookAtBranch(forge, branch.id);
  const name = `ada/app#${branch.number}`;
  expect(await ph('inbox')).toEqual({
    status: 0,
    stdout: `* ${name}  Greet politely\n    Nobody has reviewed it\n`,
    stderr: '',
  });
  const told = inboxView.parse(JSON.parse((await ph('inbox', '--json')).stdout));
  expect(told).toMatchObject({ unread: 1, next: null, entries: [{ number: branch.number, unread: true }] });
  expect(await ph('inbox', '--dismiss', 'ada/app#999', 'nobody/nothing#1')).toMatchObject({
    status: 0,
    stdout: '0 dismissed, 1 unread left\n',
  });
  expect(dismissView.parse(JSON.parse((await ph('inbox', '--dismiss', name, '--json')).stdout))).toEqual({
    dismissed: 1,
    unread: 0,
  });
  expect(await ph('inbox')).toEqual({ status: 0, stdout: '', stderr: 'Nothing needs you.\n' });
  expect(await ph('inbox', '--dismiss', 'app')).toMatchObject({ status: 2, stdout: '' });
  expect(await ph('inbox', '--dismiss', name, '--dismiss-all')).toMatchObject({ status: 2, stdout: '' });
});
