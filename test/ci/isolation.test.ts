import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLanes, type Lanes } from '../support/lanes.ts';

describe('a lane in bubblewrap', { timeout: 120_000 }, () => {
  let lanes: Lanes;
  beforeAll(async () => {
    lanes = await openLanes('bubblewrap');
  }, 120_000);
  afterAll(() => lanes.dispose());

  test('sees its commit, and nothing of the forge', async () => {
    const { data } = lanes.forge.config.paths;
    writeFileSync(join(data, 'keys', 'secret'), 'the-secret');
    const ended = await lanes.run(
      'look',
      `cat README.md; git log --format=%s; git status --short; git remote; ls ${data} 2>&1 || true
       cat ${data}/keys/secret 2>&1 || true; cat /etc/shadow; ls /root /home 2>&1 || true; env; cat /proc/1/environ || true`,
    );
    const log = await lanes.log(ended);
    expect(log).toMatch(/^x$|^x/m);
    expect(log).toContain('Change .pika/lanes.toml');
    expect(log).toMatch(/ls: cannot access .*No such file/);
    expect(log).not.toContain('the-secret');
    expect(log).not.toContain('root:');
    expect(log.replaceAll(/ls: .*|cat: .*/g, '')).not.toContain(data);
  });

  test('has the environment that is promised', async () => {
    const ended = await lanes.run(
      'env',
      'env | sort; test "$(pwd)" = /lane/work; test -w "$HOME"; test -w "$TMPDIR"',
    );
    expect(ended.attempt.state).toBe('success');
    const log = await lanes.log(ended);
    const names = [...log.matchAll(/^([A-Z_]+)=/gm)].map((match) => match[1]).sort();
    const promised = ['CI', 'HOME', 'LANG', 'PATH', 'TMPDIR', 'PWD'];
    const own = [
      'ATTEMPT',
      'ATTEMPT_COOKIE',
      'BRANCH',
      'COMMIT',
      'LANE',
      'MERGE_BASE',
      'REPO',
      'RUN',
      'TARGET',
      'URL',
    ];
    expect(names).toEqual([...promised, ...own.map((name) => `PIKA_${name}`)].sort());
    expect(log).toContain('PIKA_REPO=demo/app\n');
    expect(log).toContain('PIKA_BRANCH=env\n');
  });

  test('cannot write the repository it came from', async () => {
    const objects = join(lanes.testForge.repoFolder(lanes.repo), 'objects');
    const ended = await lanes.run(
      'write',
      `cat .git/objects/info/alternates; touch "$(cat .git/objects/info/alternates)/evil" && echo WROTE
       touch ${objects}/evil && echo WROTE; touch /usr/evil && echo WROTE; echo new > f; git add f
       git -c user.name=a -c user.email=a@b commit -qm own; git log --format=%s -1`,
    );
    const log = await lanes.log(ended);
    expect(log).not.toContain('WROTE');
    expect(existsSync(join(objects, 'evil'))).toBe(false);
  });

  test('can commit in its own checkout', async () => {
    const ended = await lanes.run(
      'commit',
      'echo new > f; git add f; git -c user.name=a -c user.email=a@b commit -qm own; git log --format=%s -1',
    );
    expect(await lanes.log(ended)).toContain('\nown\n');
  });

  test('cannot reach the program that starts the sandbox through its environment', async () => {
    const { forge } = lanes;
    const marker = join(forge.config.paths.data, 'marker');
    const ended = await lanes.run('preload', 'echo fine', {
      env: { PATH: '.', LD_PRELOAD: './evil.so', BASH_ENV: './evil.sh' },
      files: {
        bwrap: `#!/bin/sh\n/usr/bin/touch ${marker}\n`,
        git: `#!/bin/sh\n/usr/bin/touch ${marker}\n`,
        sh: `#!/bin/sh\n/usr/bin/touch ${marker}\n`,
      },
    });
    expect(existsSync(marker)).toBe(false);
    expect(ended.attempt.failureKind).not.toBe('infrastructure');
  });

  test('does not run what its commit configures for git', async () => {
    const marker = join(lanes.forge.config.paths.data, 'marker');
    await lanes.run('filter', 'echo fine', {
      files: {
        '.gitattributes': '* filter=evil\n',
        '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% marker\n',
      },
    });
    expect(existsSync(marker)).toBe(false);
  });

  test('has its tier in its log and on its attempt', async () => {
    const ended = await lanes.run('banner', 'echo fine');
    expect(ended.attempt.sandbox).toBe('bubblewrap');
    const log = readFileSync(
      join(lanes.forge.config.paths.lanes, String(ended.attempt.id), String(ended.attempt.token), 'log'),
      'utf8',
    );
    expect(log).toMatch(
      /^\[pika\] demo\/app · run \d+ · banner · attempt 1 · commit [0-9a-f]{12} · sandbox bubblewrap\n/,
    );
    expect(log).toMatch(/\n\[pika\] success · exit 0 · after \d+\.\d s\n$/);
  });
});
