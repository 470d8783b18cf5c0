// The NixOS module: what a machine is told for the options that somebody sets.
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { readConfig, type SettingsOverride } from '../../src/forge/config.ts';
import { runProgram } from '../support/run-program.ts';
import { testUnless } from '../support/where-installed.ts';
import { evaluate, whyNoNix } from './evaluate.ts';

const test = testUnless(whyNoNix, 'the NixOS module');

interface Told {
  failed: string[];
  config: {
    environment: { etc?: Record<string, { mode: string; text: string }> };
    networking: { firewall: { allowedTCPPorts: number[] } };
    services: {
      openssh?: { enable: boolean; extraConfig: string };
      nginx?: {
        virtualHosts: Record<
          string,
          { forceSSL: boolean; locations: Record<string, { proxyPass: string; extraConfig: string }> }
        >;
      };
      caddy?: { virtualHosts: Record<string, { extraConfig: string }> };
    };
    systemd: { services: { 'pika-git': { preStart?: string; serviceConfig: Record<string, unknown> } } };
    users: { users: Record<string, { shell?: string }> };
  };
}

const registry = 'npmRegistry = "https://packages.example";';
const tell = async (options: string): Promise<Told> =>
  (await evaluate(`machine { enable = true; ${registry} ${options} }`)) as Told;

/** What pika.toml would hold. */
function settingsOf({ config }: Told): SettingsOverride {
  const [, text = ''] = /^ln -sfn \/generated\/pika\.toml:(.*) "\$file"$/m.exec(
    config.systemd.services['pika-git'].preStart ?? '',
  ) ?? [''];
  return JSON.parse(text) as SettingsOverride;
}

test('a machine with nothing but the forge runs it as a user of its own, open to nobody but over SSH', async () => {
  const { failed, config } = await tell('');
  expect(failed).toEqual([]);
  expect(config.services).toEqual({});
  expect(config.networking.firewall.allowedTCPPorts).toEqual([]);
  expect(Object.keys(config.users.users)).toEqual(['pika-git']);
  const { preStart, serviceConfig } = config.systemd.services['pika-git'];
  // A pika.toml that somebody wrote is left alone.
  expect(preStart).toBeUndefined();
  expect(serviceConfig).toMatchObject({ User: 'pika-git', UMask: '0077', StateDirectory: 'pika-git' });
  expect(serviceConfig['ExecStart']).toContain(
    "'--http' '127.0.0.1:8787' '--ssh' '0.0.0.0:2222' '--no-welcome'",
  );
});

test('settings become pika.toml, which the forge understands; secrets come as files', async () => {
  const told = await tell(`
    publicUrl = "https://git.example.org";
    reverseProxy = "caddy";
    dataDir = "/srv/git forge";
    secrets.mail-password = "/etc/secrets/mail";
    settings = { ci.concurrency = 4; backups.folder = "/mnt/vault"; health.logFile = "/var/log/pika/log"; mail = { host = "smtp.example.org"; from = "git@example.org"; }; };
  `);
  expect(told.failed).toEqual([]);
  const settings = settingsOf(told);
  const config = readConfig('/nonexistent', settings, {});
  expect(config).toMatchObject({
    publicUrl: 'https://git.example.org',
    trustedProxies: ['127.0.0.1', '::1'],
  });
  expect([config.ci.concurrency, config.mail.host]).toEqual([4, 'smtp.example.org']);
  const { serviceConfig } = told.config.systemd.services['pika-git'];
  expect(serviceConfig['LoadCredential']).toEqual(['mail-password:/etc/secrets/mail']);
  expect(serviceConfig['ReadWritePaths']).toEqual(['/srv/git forge', '-/mnt/vault', '-/var/log/pika']);
  expect(serviceConfig['StateDirectory']).toBeUndefined();
  expect(told.config.networking.firewall.allowedTCPPorts).toEqual([80, 443]);
  const site = told.config.services.caddy?.virtualHosts['git.example.org'];
  expect(site?.extraConfig).toMatch(/^ *encode gzip\n *reverse_proxy 127\.0\.0\.1:8787 \{/m);
});

test('nginx gets every line of the example that stands beside the module', async () => {
  const { config } = await tell(
    'publicUrl = "https://git.example.org"; reverseProxy = "nginx"; port = 9000;',
  );
  const site = config.services.nginx?.virtualHosts['git.example.org'];
  expect(site?.forceSSL).toBe(true);
  const place = site?.locations['/'];
  expect(place?.proxyPass).toBe('http://127.0.0.1:9000');
  const example = readFileSync(new URL('../../nix/nginx.conf', import.meta.url), 'utf8');
  const lines = example.match(/^ *(?:proxy_(?!pass)|client_|gzip).*;$/gm)?.map((line) => line.trim()) ?? [];
  expect(lines.length).toBeGreaterThan(8);
  const given = place?.extraConfig.split('\n').map((line) => line.trim());
  expect(given?.filter((line) => line !== '').toSorted()).toEqual(lines.toSorted());
});

test('the sshd of the system hands over to the forge as the user git', async () => {
  const told = await tell('publicUrl = "https://git.example.org"; systemSshd = true;');
  expect(told.failed).toEqual([]);
  const { environment, services, users, systemd } = told.config;
  expect(settingsOf(told)).toMatchObject({ publicSsh: { host: 'git.example.org' } });
  expect(users.users).toMatchObject({ git: { shell: '/bin/sh', home: '/var/lib/pika-git' } });
  const command = environment.etc?.['ssh/pika-git-keys'];
  expect(command).toMatchObject({ mode: '0755' });
  expect(command?.text).toContain('/pika-git ssh-keys --data \'/var/lib/pika-git\' "$@"');
  expect(services.openssh?.extraConfig).toContain('AuthorizedKeysCommand /etc/ssh/pika-git-keys %t %k');
  const { serviceConfig } = systemd.services['pika-git'];
  expect(serviceConfig).toMatchObject({ User: 'git' });
  expect(serviceConfig['ExecStart']).toContain("'--ssh' '127.0.0.1:2222'");
});

test('options that cannot work together, unknown ones and wrong values are refused with the reason', async () => {
  expect((await tell('reverseProxy = "nginx";')).failed).toEqual([
    expect.stringContaining('needs a publicUrl'),
  ]);
  expect((await tell('reverseProxy = "caddy"; publicUrl = "http://git";')).failed).toHaveLength(1);
  expect((await tell('systemSshd = true;')).failed).toEqual([expect.stringContaining('needs publicUrl')]);
  await expect(tell('prot = 1;')).rejects.toThrow('services.pika-git has no option ["prot"]');
  await expect(tell('port = "8787";')).rejects.toThrow('services.pika-git.port is not a port');
  await expect(tell('reverseProxy = "apache";')).rejects.toThrow('is not null or one of');
});

test('the start replaces its own link, and never a pika.toml that somebody wrote', async () => {
  const folder = mkdtempSync(join(tmpdir(), "pika-nix 'quoted'-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const told = await tell(`dataDir = ${JSON.stringify(folder)}; settings.ci.concurrency = 4;`);
  // Nix puts the path of a file where its stand-in has the text.
  const script =
    told.config.systemd.services['pika-git'].preStart?.replaceAll(/\/generated[^\s)]*/g, '/etc/hostname') ??
    '';
  const start = () =>
    runProgram(['sh', '-euc', script], { cwd: folder, env: { PATH: process.env['PATH'] ?? '' } });
  const file = join(folder, 'pika.toml');
  for (let times = 0; times < 2; times += 1) {
    expect(await start()).toMatchObject({ status: 0, stderr: '' });
    expect(readlinkSync(file)).toBe('/etc/hostname');
  }
  // As a restore brings it back.
  rmSync(file);
  writeFileSync(file, readFileSync('/etc/hostname'));
  expect(await start()).toMatchObject({ status: 0, stderr: '' });
  expect(readlinkSync(file)).toBe('/etc/hostname');
  rmSync(file);
  writeFileSync(file, 'logLevel = "info"\n');
  const refused = await start();
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('was written by hand: move what it says to services.pika-git.settings');
  expect(lstatSync(file).isFile()).toBe(true);
});
