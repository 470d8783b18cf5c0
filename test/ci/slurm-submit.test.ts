// How a lane becomes a job: the options and the script that sbatch is given, and what is made of its answers. A small
// program stands in its place, for what it says here no cluster says when it is wanted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootScript } from '../../src/ci/lanes/slurm/boot-script.ts';
import { runSlurm, type Cluster } from '../../src/ci/lanes/slurm/run-slurm.ts';
import { optionsOf, submitJob, type JobOrder } from '../../src/ci/lanes/slurm/submit-job.ts';
import { slurmTarget } from '../../src/forge/slurm-settings.ts';

test('a job gets its limits and the environment of sbatch, and no second try', () => {
  const target = slurmTarget.parse({
    executor: 'slurm',
    partition: 'long',
    account: 'ci',
    constraint: 'avx512&ssd',
    cpus: 4,
    memoryMebibytes: 8192,
    options: ['--qos=low'],
  });
  const options = optionsOf({
    comment: 'c',
    name: 'unit (node=22); rm',
    timeoutSeconds: 90,
    target,
    excluded: ['n1', 'n2'],
  });
  expect(options).toEqual(
    expect.arrayContaining([
      '--parsable',
      '--no-requeue',
      '--export=ALL',
      '--comment=c',
      '--chdir=/',
      '--input=/dev/null',
      '--output=/dev/null',
      '--error=/dev/null',
      '--nodes=1',
      '--ntasks=1',
      '--job-name=unit-node-22-rm',
      '--time=17',
      '--cpus-per-task=4',
      '--mem=8192M',
      '--partition=long',
      '--account=ci',
      '--constraint=avx512&ssd',
      '--exclude=n1,n2',
      '--qos=low',
    ]),
  );
  expect(slurmTarget.safeParse({ executor: 'slurm', options: ['--wrap=reboot'] }).success).toBe(false);
  expect(slurmTarget.safeParse({ executor: 'slurm', partition: '--wrap=x' }).success).toBe(false);
});

test('sbatch has no more of the forge’s environment than where to find programs, for a job takes it along', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pika-sbatch-'));
  try {
    writeFileSync(join(folder, 'sbatch'), '#!/bin/sh\nexec /usr/bin/env\n', { mode: 0o755 });
    const cluster = { configFile: '/etc/here.conf', searchPath: folder, timeoutMs: 60_000, maxBytes: 10_000 };
    const lines = (await runSlurm(cluster, 'sbatch', { args: [] })).trim().split('\n');
    // A shell adds where it is.
    const known = [`PATH=${folder}`, 'LC_ALL=C', 'SLURM_CONF=/etc/here.conf', 'PWD=/'];
    expect(lines.toSorted()).toEqual(known.toSorted());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the script of a job has the credential in its text alone, and quotes what the operator chose', () => {
  const script = bootScript({
    url: 'http://forge:8787',
    credential: 'pikaagent-secret',
    sha256: 'a'.repeat(64),
    path: "/opt/it's here/bin:/usr/bin",
    scratch: '/tmp',
    sandbox: 'auto',
    allowUnsandboxed: false,
  });
  expect(script).toContain(String.raw`PATH='/opt/it'\''s here/bin:/usr/bin'`);
  const beforeText = script.slice(0, script.indexOf("<<'END_OF_BOOT'"));
  expect(beforeText).not.toContain('pikaagent-secret');
  expect(script.split('\n').filter((line) => line === 'END_OF_BOOT')).toHaveLength(1);
});

/** A program that says what `sbatch` of a cluster says, and notes its arguments. */
async function withSbatch(script: string, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pika-sbatch-'));
  try {
    const text = `#!/bin/sh\necho "$@" >> ${folder}/asked\n${script}\n`;
    writeFileSync(join(folder, 'sbatch'), text, { mode: 0o755 });
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const orderOf = (excluded: string[], options: string[] = []): JobOrder => ({
  comment: 'c',
  name: 'unit',
  timeoutSeconds: 60,
  target: slurmTarget.parse({ executor: 'slurm', options }),
  excluded,
  boot: {
    url: 'http://forge',
    credential: 'c',
    sha256: 'a',
    path: '/bin',
    scratch: '/tmp',
    sandbox: 'auto',
    allowUnsandboxed: false,
  },
});
const clusterOf = (folder: string): Cluster => ({
  configFile: undefined,
  searchPath: `${folder}:/usr/bin:/bin`,
  timeoutMs: 60_000,
  maxBytes: 10_000,
});

test('the number of a job is read among what a cluster adds, and nothing else is taken for one', async () => {
  for (const [said, number] of [
    ['12', 12],
    ['12;green', 12],
    ['Welcome to green\\n12', 12],
  ] as const)
    await withSbatch(`printf '${said}\\n'`, async (folder) =>
      expect(await submitJob(clusterOf(folder), orderOf([]))).toBe(number),
    );
  for (const said of ['', 'Submitted batch job', '12345678901234567890', '-4', '1e3'])
    await withSbatch(`printf '%s\\n' '${said}'`, async (folder) => {
      const words = `sbatch answered what is no number of a job: ${said || 'nothing'}`;
      await expect(submitJob(clusterOf(folder), orderOf([]))).rejects.toThrow(words);
    });
});

test('a refusal is told in all of Slurm’s words, and in no more than fit on a lane', async () => {
  const lines = `sbatch: warning: slow\nsbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission failed: Requested node configuration is not available`;
  await withSbatch(`printf '%s\\n' '${lines}' >&2; exit 1`, async (folder) => {
    const words =
      'Memory specification can not be satisfied; Batch job submission failed: Requested node configuration is not available';
    await expect(submitJob(clusterOf(folder), orderOf([]))).rejects.toMatchObject({ message: words });
  });
  await withSbatch('head -c 5000 /dev/zero | tr "\\0" x >&2; exit 1', async (folder) =>
    expect(submitJob(clusterOf(folder), orderOf([]))).rejects.toThrow(/^x{300}$/),
  );
});

test('nodes that lost the lane are left out beside those of the operator, and taken again when no other is left', async () => {
  const target = slurmTarget.parse({ executor: 'slurm', options: ['--exclude=n8,n9', '--qos=low'] });
  const given = optionsOf({ comment: 'c', name: 'unit', timeoutSeconds: 60, target, excluded: ['n1'] });
  expect(given.filter((option) => option.startsWith('--exclude'))).toEqual(['--exclude=n1,n8,n9']);
  const refuses = (words: string) =>
    `case "$*" in *--exclude=n1*) echo 'sbatch: error: Batch job submission failed: ${words}' >&2; exit 1;; esac; echo 7`;
  for (const words of ['Requested node configuration is not available', 'Invalid node name specified'])
    await withSbatch(refuses(words), async (folder) => {
      expect(await submitJob(clusterOf(folder), orderOf(['n1'], ['--exclude=n9']))).toBe(7);
      const asked = readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n');
      expect(asked.map((line) => /--exclude=\S+/.exec(line)?.[0])).toEqual([
        '--exclude=n1,n9',
        '--exclude=n9',
      ]);
    });
  await withSbatch(refuses('Invalid account'), async (folder) =>
    expect(submitJob(clusterOf(folder), orderOf(['n1']))).rejects.toThrow('Invalid account'),
  );
});

/** The exit status of a job's script on a node whose Node says that it is of `version`. */
function runScript(version: string): number | null {
  const folder = mkdtempSync(join(tmpdir(), 'pika-node-'));
  try {
    const told = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${version}'})`;
    const node = `#!/bin/sh\nexec '${process.execPath}' --import "${told}" "$@"\n`;
    writeFileSync(join(folder, 'node'), node, { mode: 0o755 });
    // Nothing listens on port 9 of the loopback address.
    const boot = { ...orderOf([]).boot, url: 'http://127.0.0.1:9', path: folder, scratch: folder };
    return spawnSync('/bin/sh', { input: bootScript(boot), env: {}, timeout: 60_000 }).status;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a node that does not reach the forge, and one whose Node is too old, say so by their exit status', () => {
  expect(runScript(process.versions.node)).toBe(69);
  expect(runScript('18.19.0')).toBe(78);
});

test('a command that hangs is not waited for by a forge that stops', async () => {
  const stopping = new AbortController();
  await withSbatch('exec sleep 600', async (folder) => {
    const asked = submitJob(
      { ...clusterOf(folder), timeoutMs: 600_000, signal: stopping.signal },
      orderOf([]),
    );
    stopping.abort();
    await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
  });
});
