// A2, P3: git itself is told by the forge alone what it may run. Neither an address, nor the environment of the
// forge, nor a file in a repository starts a program.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDiff } from '../../src/git/diff.ts';
import { GitError } from '../../src/git/run.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

test('A2: of all addresses git follows only https and ssh', async () => {
  const it = await open();
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const ran = join(it.folder, 'ran');
  const addresses = [
    `ext::touch ${ran}`,
    'fd::0',
    `file://${it.repoFolder(repo)}`,
    it.repoFolder(repo),
    'http://127.0.0.1:1/x.git',
    'git://127.0.0.1:1/x.git',
    'EXT::id',
    `--upload-pack=touch ${ran}`,
  ];
  for (const address of addresses) {
    const asked = it.forge.git.run(['ls-remote', '--end-of-options', address], { repo: it.repoFolder(repo) });
    await expect(asked, address).rejects.toThrow(GitError);
    await expect(asked, address).rejects.toThrow(
      /not allowed|not supported|does not appear|not a git|blocked/i,
    );
  }
  const host = `ssh://-oProxyCommand=touch\${IFS}${ran}/x.git`;
  await expect(it.forge.git.run(['ls-remote', '--end-of-options', host])).rejects.toThrow(/blocked|strange/i);
  expect(existsSync(ran)).toBe(false);
});

test('P3: drivers that a repository configures are never run', async () => {
  const it = await open();
  const { git } = it.forge;
  const repo = it.repoFolder(await it.repo('ada/app', { files: { 'a.txt': 'old\n' } }));
  const ran = join(it.folder, 'ran');
  const attributes = '* diff=evil filter=evil merge=evil textconv=evil export-subst\n';
  const head = await pushFiles(git, {
    repo,
    branch: 'topic',
    from: 'refs/heads/main',
    files: {
      '.gitattributes': attributes,
      '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::touch ${ran}\n\tupdate = !touch ${ran}\n`,
      '.gitconfig': `[diff]\n\texternal = touch ${ran}\n`,
      'a.txt': 'new\n',
    },
  });
  const base = await git.text(['rev-parse', 'refs/heads/main'], { repo });
  const diff = await readDiff(git, { repo, base, head, maxFiles: 100, maxBytes: 1_000_000 });
  expect(diff.files.map((file) => file.newPath)).toContain('a.txt');
  await git.run(['merge-tree', '--write-tree', base, head], { repo });
  await git.run(['archive', '--format=tar', head], { repo });
  await git.run(['grep', '-e', 'new', head, '--'], { repo });
  await git.run(['blame', '--porcelain', head, '--', 'a.txt'], { repo });
  expect(existsSync(ran)).toBe(false);
});

test('P3: the settings of the machine and the environment of the forge do not reach git', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pika-evil-'));
  const ran = join(folder, 'ran');
  const evil = join(folder, 'evil.gitconfig');
  writeFileSync(
    evil,
    `[core]\n\tfsmonitor = touch ${ran}\n\tpager = touch ${ran}\n[alias]\n\tls-tree = !touch ${ran}\n`,
  );
  const inherited = {
    GIT_CONFIG_GLOBAL: evil,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'core.sshCommand',
    GIT_CONFIG_VALUE_0: `touch ${ran}`,
    GIT_EXTERNAL_DIFF: `touch ${ran}`,
    GIT_SSH_COMMAND: `touch ${ran}`,
    GIT_PROXY_COMMAND: `touch ${ran}`,
  };
  const before = { ...process.env };
  Object.assign(process.env, inherited);
  try {
    const it = await open();
    const { git } = it.forge;
    const repo = it.repoFolder(await it.repo('ada/app', { files: { 'a.txt': 'old\n' } }));
    const head = await pushFiles(git, { repo, branch: 'topic', files: { 'a.txt': 'new\n' } });
    await readDiff(git, { repo, base: undefined, head, maxFiles: 100, maxBytes: 1_000_000 });
    expect(await git.text(['config', '--get-all', 'core.sshCommand'], { repo }).catch(() => '')).toBe('');
    expect(Object.keys(git.environment).filter((name) => name in inherited)).toEqual(['GIT_CONFIG_GLOBAL']);
    expect(git.environment['GIT_CONFIG_GLOBAL']).not.toBe(evil);
    expect(existsSync(ran)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
    for (const name of Object.keys(inherited)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
});
