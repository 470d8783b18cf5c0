import { expect, test } from 'vitest';
import { parseAddress } from '../../src/ph/checkout.ts';

const names = { owner: 'ada', repo: 'app' };

test.each([
  ['https://git.example.org/ada/app.git', { kind: 'http', origin: 'https://git.example.org', ...names }],
  ['http://me:secret@127.0.0.1:8787/ada/app', { kind: 'http', origin: 'http://127.0.0.1:8787', ...names }],
  ['ssh://git@host:2222/ada/app.git', { kind: 'ssh', host: 'host', port: 2222, user: 'git', ...names }],
  ['ssh://[::1]:2222/ada/app.git', { kind: 'ssh', host: '127.0.0.1', port: 2222, user: 'git', ...names }],
  ['git@host:ada/app.git', { kind: 'ssh', host: 'host', port: 22, user: 'git', ...names }],
  ['HOST:/ada/app', { kind: 'ssh', host: 'host', port: 22, user: 'git', ...names }],
])('%s is understood', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each([
  '',
  '/srv/git/app.git',
  '../app',
  'file:///ada/app.git',
  'https://host/app.git',
  'https://host/a/b/c',
  'git@host:app',
])('"%s" names no repository of a forge', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});
