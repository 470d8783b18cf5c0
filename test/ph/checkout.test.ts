import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { atTerminal, type Terminal } from './at-terminal.ts';

const open = useForge();

/** At the terminal, on main, with the branch of the forge not here yet; `origin` fetches from the forge's repository. */
async function onMain(): Promise<Terminal> {
  const terminal = await atTerminal(await open());
  const { client, staged, branch } = terminal;
  await client.git('config', `url.${staged.folder}.insteadOf`, `${terminal.origin}/ada/app.git`);
  await client.git(
    'config',
    `url.${terminal.origin}/ada/app.git.pushInsteadOf`,
    `${terminal.origin}/ada/app.git`,
  );
  await client.git('switch', '--quiet', '--detach');
  await client.git('branch', '--delete', '--force', '--quiet', branch.name);
  return terminal;
}

describe('ph checkout', () => {
  test('makes a local branch that follows the one on the forge, by number and by name', async () => {
    const { ph, client, branch } = await onMain();
    expect(await ph('checkout', String(branch.number), '--json')).toMatchObject({ status: 0 });
    expect(await client.git('rev-parse', '--abbrev-ref', 'HEAD')).toBe(branch.name);
    expect(await client.git('rev-parse', 'HEAD')).toBe(branch.headOid);
    expect(await client.git('rev-parse', '--abbrev-ref', '@{upstream}')).toBe(`origin/${branch.name}`);
    const again = await ph('checkout', branch.name);
    expect(again).toMatchObject({
      status: 0,
      stdout: `on branch ${branch.name} at ${branch.headOid.slice(0, 8)}\n`,
    });
  });

  test('fetches from the forge, also where another remote has the same owner and name', async () => {
    const { ph, client, branch } = await onMain();
    await client.git('remote', 'rename', 'origin', 'pika');
    await client.git('remote', 'add', 'origin', 'https://code.invalid/ada/app.git');
    expect(await ph('checkout', branch.name)).toMatchObject({ status: 0, stderr: '' });
    expect(await client.git('rev-parse', '--abbrev-ref', '@{upstream}')).toBe(`pika/${branch.name}`);
    expect((await ph('checkout', 'nothing')).stderr).toContain('git push -u pika nothing');
  });

  test('moves the local branch forward, and leaves it alone when it has commits of its own', async () => {
    const { ph, client, branch, staged } = await onMain();
    await ph('checkout', branch.name);
    const { git } = staged.forge;
    const newer = await pushFiles(git, {
      repo: staged.folder,
      branch: branch.name,
      files: { 'b.txt': 'b\n' },
    });
    expect(await ph('checkout', branch.name)).toMatchObject({ status: 0 });
    expect(await client.git('rev-parse', 'HEAD')).toBe(newer);
    const own = await client.commit('Mine', { 'mine.txt': 'mine\n' });
    await pushFiles(git, { repo: staged.folder, branch: branch.name, files: { 'c.txt': 'c\n' } });
    const refused = await ph('checkout', branch.name);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('nothing was lost');
    expect(await client.git('rev-parse', 'HEAD')).toBe(own);
  });

  test('leaves changes that are not committed where they are', async () => {
    const { ph, client, branch } = await onMain();
    const [path = ''] = (await client.git('ls-files')).split('\n');
    await client.git('switch', '--quiet', '--orphan', 'other');
    writeFileSync(join(client.checkout, path), 'changed here\n');
    const refused = await ph('checkout', branch.name);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('git switch says no');
    expect(readFileSync(join(client.checkout, path), 'utf8')).toBe('changed here\n');
  });

  test('says what is wrong with no name, an unknown one and a closed one', async () => {
    const { ph, branch } = await onMain();
    expect(await ph('checkout')).toMatchObject({ status: 2 });
    expect(await ph('checkout', 'nothing')).toMatchObject({ status: 4 });
    await ph('close', String(branch.number));
    const closed = await ph('checkout', String(branch.number));
    expect(closed).toMatchObject({ status: 1, stdout: '' });
    expect(closed.stderr).toContain('is closed');
  });
});

test('ph open starts the browser that the person named, and prints the address in any case', async () => {
  const { phWith, origin, token, client, branch } = await atTerminal(await open());
  const seen = join(client.home, 'seen');
  const browser = join(client.home, 'browser');
  writeFileSync(browser, `#!/bin/sh\nprintf %s "$1" > '${seen}'\n`);
  chmodSync(browser, 0o755);
  const env = { PH_URL: origin, PH_TOKEN: token };
  const opened = await phWith({ ...env, BROWSER: browser }, 'open');
  expect(opened).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(seen, 'utf8')).toBe(opened.stdout.trim());
  expect(opened.stdout).toContain(`/ada/app/branches/${branch.number}`);
  const none = await phWith({ ...env, BROWSER: join(client.home, 'no-browser') }, 'open');
  expect(none).toMatchObject({ status: 0, stdout: opened.stdout });
  expect(none.stderr).toContain('open the address yourself');
  expect(existsSync(join(client.home, 'no-browser'))).toBe(false);
});
