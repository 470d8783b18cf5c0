import { expect, test } from 'vitest';
import { repoListView, repoView } from '../../src/repos/model.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal, type Terminal } from './at-terminal.ts';

const open = useForge();

/** As `atTerminal`, with a token that may change settings. */
async function atSettings(): Promise<Terminal> {
  const terminal = await atTerminal(await open());
  terminal.staged.forge.db.run(`UPDATE tokens SET scope = 'admin'`);
  return terminal;
}

test('a repository is made under your name, becomes a remote, and is listed', async () => {
  const { ph, client } = await atTerminal(await open());
  const made = await ph('repo', 'create', 'site', '--description', 'pages', '--remote', 'site');
  expect(made).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^made ada\/site: http.*\nNext: git push site main\n$/),
  });
  expect(await client.git('remote', 'get-url', 'site')).toMatch(/^ssh:.*\/ada\/site\.git$/);
  const list = await ph('repo', 'list');
  expect(list.stdout).toContain('ada/site  private  main  pages\n');
  const answer = repoListView.parse(JSON.parse((await ph('repo', 'list', '--json')).stdout));
  expect(answer.repos.map(({ name }) => name).sort()).toEqual(['app', 'site']);
});

test('a name that is taken, none, or of somebody else is refused', async () => {
  const { ph } = await atTerminal(await open());
  expect(await ph('repo', 'create', 'app')).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('exists already'),
  });
  expect(await ph('repo', 'create', 'a/b/c')).toMatchObject({ status: 2 });
  expect(await ph('repo', 'create', 'grace/app')).toMatchObject({ status: 3 });
  expect(await ph('repo', 'set', '--notes', 'on')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('scope'),
  });
});

test('settings are changed together, and nothing to set is wrong use', async () => {
  const { ph } = await atSettings();
  const { stdout } = await ph('repo', 'set', '--method', 'squash', '--visibility', 'public', '--notes', 'on');
  expect(stdout.split('\n')).toEqual([
    'repository     ada/app',
    'description    none',
    'visibility     public',
    'default branch main',
    'lands by       squash',
    'notes          on',
    '',
  ]);
  expect(await ph('repo', 'set')).toMatchObject({ status: 2 });
  expect(await ph('repo', 'set', '--method', 'rebase')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('merge, squash, fast-forward'),
  });
});

test('a renamed repository says how clones follow', async () => {
  const { ph, client } = await atSettings();
  const renamed = await ph('repo', 'rename', 'better', '--json');
  const { sshUrl, httpUrl } = repoView.parse(JSON.parse(renamed.stdout));
  expect(await ph('status')).toMatchObject({ status: 4 });
  await client.git('remote', 'set-url', 'origin', httpUrl);
  expect(await ph('repo', 'rename', 'better')).toMatchObject({
    stdout: `ada/better is ada/better now.\nNext, in every clone: git remote set-url origin ${sshUrl}\n`,
  });
});
