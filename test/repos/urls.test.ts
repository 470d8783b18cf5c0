import { expect, test } from 'vitest';
import { repoUrls } from '../../src/repos/urls.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const repo = { owner: 'ada', name: 'app' };

test('a forge that listens at an address of IPv6 alone has pages that can be opened', async () => {
  const { forge } = await open({ settings: { http: { host: '::1', port: 8787 } } });
  expect(repoUrls(forge, repo).page).toBe('http://[::1]:8787/ada/app');
});

test.each([
  [{ ssh: { port: 2222 } }, 'ssh://git@127.0.0.1:2222/ada/app.git'],
  [
    { publicUrl: 'https://git.example.org', ssh: { host: '0.0.0.0', port: 2222 } },
    'ssh://git@git.example.org:2222/ada/app.git',
  ],
  [{ ssh: { host: '::1', port: 22 } }, 'ssh://git@[::1]/ada/app.git'],
  [{ publicSsh: { host: 'ssh.example.org' } }, 'ssh://git@ssh.example.org/ada/app.git'],
  [{ publicSsh: { host: 'ssh.example.org', port: 443 } }, 'ssh://git@ssh.example.org:443/ada/app.git'],
])('with %j people reach git at %s', async (settings, address) => {
  const { forge } = await open({ settings });
  expect(repoUrls(forge, repo).ssh).toBe(address);
});
