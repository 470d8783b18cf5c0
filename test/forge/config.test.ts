// What an operator reads who mistyped a setting: where it stands, which key it is, and what belongs there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig, type Config } from '../../src/forge/config.ts';

function readToml(text: string, environment: NodeJS.ProcessEnv = {}): Config {
  const data = mkdtempSync(join(tmpdir(), 'pika-settings-'));
  onTestFinished(() => rmSync(data, { recursive: true }));
  writeFileSync(join(data, 'pika.toml'), text);
  return readConfig(data, {}, environment);
}

const refusals: [text: string, sentence: RegExp][] = [
  ['[ci]\nconcurrency = "4"', /pika\.toml, line 2: ci\.concurrency: .*expected number, received string\.$/],
  ['logLevel = "info"\npublicURL = "x"', /line 2: unknown key publicURL; did you mean publicUrl\?$/],
  ['[rates]\nperMinute = 1', /unknown key rates\.perMinute; expected one of requestsPerMinute, /],
  ['[limits]\nsize = 1', /unknown key limits\.size\.$/],
  ['[[admins]]\nnmae = "ada"', /line 2: unknown key admins\.0\.nmae; did you mean name\?$/],
  ['[ci.targets.local]\nconcurrency = 2', /ci\.targets\.local: the places of local are ci\.concurrency\.$/],
  ['[ci]\nleaseSeconds = 20', /ci\.heartbeatSeconds: less than leaseSeconds/],
  ['trustedProxies = ["localhost"]', /trustedProxies\.0: an address or a range/],
  ['[mirror]\nnameServers = ["dns"]', /mirror\.nameServers\.0: an address, or ADDRESS:PORT\.$/],
  ['[mail]\nhost = "smtp.example.org"\nfrom = "git"', /line 3: mail\.from: an address such as/],
  ['publicSsh = { host = "git.example.org:22" }', /publicSsh\.host: the name or the address of a host alone/],
  ['a = ', /pika\.toml, line 1: this is not TOML: invalid value\.$/],
  ...['git.example.org', 'ftp://git.example.org', 'https://git.example.org/forge', 'https://a@b.org'].map(
    (url): [string, RegExp] => [`publicUrl = "${url}"`, /publicUrl: the address that people type, such as/],
  ),
];

test.each(refusals)('%j is refused in a sentence', (text, sentence) => {
  expect(() => readToml(text)).toThrow(sentence);
});

test('what the environment says wrong is told by the name of its variable', () => {
  const environment = { PIKA_CONCURRENCY: 'many', PIKA_LOG_LEVEL: '' };
  expect(() => readToml('', environment)).toThrow(/^PIKA_CONCURRENCY: ci\.concurrency: .*expected number/);
});

test('what is right is taken as it is written', () => {
  const config = readToml(
    `publicUrl = "https://git.example.org:8443/"
trustedProxies = ["127.0.0.1", "::1", "10.1.0.0/16", "loopback"]
publicSsh = { host = "2001:db8::1" }
[mail]
host = "smtp.example.org"
from = "pika-git <git@example.org>"
[webhooks]
nameServers = ["127.0.0.1", "::1", "10.0.0.1:5353", "[::1]:53"]
`,
    { PIKA_CONCURRENCY: '3' },
  );
  expect(config).toMatchObject({ publicUrl: 'https://git.example.org:8443/', ci: { concurrency: 3 } });
});
