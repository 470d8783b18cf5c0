// A2 of SECURITY: addresses of remotes that git would read as something else. F1 is in test/mirror/reach.test.ts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { remoteSchemes, type RemoteScheme } from '../../src/forge/mirror-settings.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';

const usual = { allowedSchemes: ['https', 'ssh'] as RemoteScheme[] };
const every = { allowedSchemes: [...remoteSchemes] };

describe('A2: an address of a remote is taken apart before git sees it', () => {
  test.each([
    ['https://git.example.org/ada/x.git', 'https://git.example.org/ada/x.git', 443],
    ['HTTPS://Git.Example.ORG:8443/ada/x.git', 'https://git.example.org:8443/ada/x.git', 8443],
    ['ssh://deploy@git.example.org:2222/ada/x.git', 'ssh://deploy@git.example.org:2222/ada/x.git', 2222],
    ['ssh://git.example.org/~/x.git', 'ssh://git@git.example.org/~/x.git', 22],
    ['git@github.com:ada/x.git', 'git@github.com:ada/x.git', 22],
    ['git@github.com:/srv/x.git', 'ssh://git@github.com/srv/x.git', 22],
    ['https://[2001:db8::1]:8443/x.git', 'https://[2001:db8::1]:8443/x.git', 8443],
    ['  https://git.example.org/x.git\n', 'https://git.example.org/x.git', 443],
  ])('%s is one', (given, text, port) => {
    expect(parseRemoteAddress(usual, given)).toMatchObject({ text, port });
  });

  test.each([
    'ext::sh -c touch% /tmp/pwned',
    'ext::sh',
    'EXT::sh',
    'fd::17/foo',
    'fd::17',
    'https::https://git.example.org/x.git',
    'ext://sh/x',
    'git://git.example.org/x.git',
    'ftp://git.example.org/x.git',
    'javascript://git.example.org/x',
    'ssh://-oProxyCommand=touch/x.git',
    'ssh://-oProxyCommand=touch@git.example.org/x.git',
    'ssh://git@-oProxyCommand=id/x.git',
    '-oProxyCommand=id:x.git',
    'git@-oProxyCommand=id:x.git',
    '-u@git.example.org:x.git',
    '--upload-pack=id',
    'git@git.example.org:-x.git',
    'git@git.example.org:--upload-pack=id',
    'ssh://git@git.example.org/-x.git',
    'https://git.example.org/-x',
    'https://git.example.org/%2dx',
    'https://git.example.org/a/../../b.git',
    'https://git.example.org/a/%2e%2e/b.git',
    'git@git.example.org:../x.git',
    'https://ada:secret@git.example.org/x.git',
    'https://secret@git.example.org/x.git',
    'ssh://git:secret@git.example.org/x.git',
    'https://git.example.org/x.git?PROTOCOL.EXT.ALLOW=always',
    'https://git.example.org/x.git#x',
    'https://git.example.org/x%0agit',
    'https://git.example.org/x%00git',
    'https://git.example.org/',
    'https://git.example.org',
    'https://git.example.org:0/x.git',
    'https:///x.git',
    "git@git.example.org:x'$(id)'.git",
    'git@git.example.org:x;id',
    'git@git.example.org:x\nid',
    'C:\\x',
    'x.git',
    '../x.git',
    '',
    `https://git.example.org/${'x'.repeat(2000)}`,
  ])('%j is none, whatever the configuration allows', (given) => {
    expect(() => parseRemoteAddress(every, given)).toThrow('The address of the remote is refused');
  });

  test.each(['/srv/x.git', 'file:///srv/x.git', 'FILE:///srv/x.git', 'http://git.example.org/x.git'])(
    '%s is one only where an operator allows it',
    (given) => {
      expect(() => parseRemoteAddress(usual, given)).toThrow('mirror.allowedSchemes');
      expect(parseRemoteAddress(every, given).text).toMatch(/^(?:file:\/\/\/srv|http:\/\/git)/);
    },
  );

  test('a folder of another machine is none', () => {
    expect(() => parseRemoteAddress(every, 'file://elsewhere/srv/x.git')).toThrow('has no host');
  });

  test('whatever is accepted begins with an allowed scheme or a user, and reads the same again', () => {
    const pieces = [
      'https://',
      'ssh://',
      'git',
      '@',
      ':',
      '/',
      '-',
      '::',
      'ext',
      'a.b',
      '%2e',
      '..',
      '[',
      ']',
    ];
    const made = fc.array(fc.constantFrom(...pieces), { maxLength: 9 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(made, (given) => {
        let text: string;
        try {
          ({ text } = parseRemoteAddress(usual, given));
        } catch {
          return;
        }
        expect(text).toMatch(/^(?:(?:https|ssh):\/\/[a-z0-9[]|[a-z0-9_][\w.-]*@[a-z0-9])/i);
        expect(parseRemoteAddress(usual, text).text).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});
