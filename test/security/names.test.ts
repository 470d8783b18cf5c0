import { expect, test } from 'vitest';
import { repoName, ownerName } from '../../src/repos/model.ts';
import { parseCommand } from '../../src/transport/parse-command.ts';
import { checkedProtocol } from '../../src/transport/start-service.ts';

test('P1: an SSH command names a repository in every form that git uses, and in no other', () => {
  const git = { kind: 'git', service: 'git-upload-pack', owner: 'ada', name: 'app.x' };
  for (const path of [
    "'/ada/app.x.git'",
    "'ada/app.x.git'",
    '"/ada/app.x"',
    '/ada/app.x.git/',
    'ada/app.x',
  ]) {
    expect(parseCommand(`git-upload-pack ${path}`), path).toEqual(git);
    expect(parseCommand(`git upload-pack ${path}`), path).toEqual(git);
  }
  for (const path of [
    '',
    '/',
    '/app.git',
    '/a/b/c.git',
    '/../b',
    '/a/..',
    '/a/../b',
    '/a/.git',
    '/.git/b',
    '//a/b',
    '/a//b',
    '/~a/b',
    '/a/b;id',
    "'/a/b'; id",
    "'/a/b' extra",
    "'/a'/'b'",
    '/a/b\n/c',
    '/a\0/b',
    '/a\\b/c',
    '/%2e%2e/b',
    '-x/b',
    '/a/--upload-pack=id',
    `/a/${'b'.repeat(300)}`,
  ]) {
    expect(parseCommand(`git-receive-pack ${path}`).kind, JSON.stringify(path)).toBe('refused');
  }
});

test('S2: of all commands only the two services and three of the forge are known', () => {
  for (const name of ['help', 'whoami', 'login'] as const)
    expect(parseCommand(` ${name} `)).toEqual({ kind: 'own', name });
  for (const command of [
    '',
    'sh',
    'help me',
    'git',
    'git-shell',
    'git-upload-archive /a/b',
    'git-upload-pack',
    'GIT-UPLOAD-PACK /a/b',
  ]) {
    expect(parseCommand(command).kind, command).toBe('refused');
  }
});

test('S2: GIT_PROTOCOL is passed on only in the form that git documents', () => {
  for (const good of ['version=2', 'version=1:object=2']) expect(checkedProtocol(good)).toBe(good);
  for (const bad of [
    undefined,
    '',
    'version',
    'version=2;id',
    'a=b\nPATH=x',
    `a=${'b'.repeat(300)}`,
    'a=b:',
  ]) {
    expect(checkedProtocol(bad)).toBeUndefined();
  }
});

test('P1: owners and repositories are never paths, routes of pages or endless', () => {
  for (const bad of [
    '..',
    '.',
    '.git',
    'a..b',
    'a/b',
    'a\0',
    'a\\b',
    'a.git',
    'a.lock',
    '-x',
    'x'.repeat(65),
    'ä',
    '',
  ]) {
    expect(repoName.safeParse(bad).success, bad).toBe(false);
    expect(ownerName.safeParse(bad).success, bad).toBe(false);
  }
  for (const page of ['api', 'Login', 'assets', 'account'])
    expect(ownerName.safeParse(page).success, page).toBe(false);
});
