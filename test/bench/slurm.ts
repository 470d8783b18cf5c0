// Lanes on a cluster of two nodes with eight places beside lanes of this machine at the same width: what a lane costs
// that does nothing, and how long one takes from its push to its first output.
import { Cluster } from '../support/cluster.ts';
import { manifest, pushBranch } from '../support/ci.ts';
import { whyNoSlurm } from '../support/slurm.ts';
import { until } from '../support/until.ts';
import { inMs, quantile, timed, type Figure } from './measure.ts';

const lanes = 200;
const lanesPerBranch = 50;
const width = 8;
const alone = 10;

export async function measureSlurm(): Promise<Figure[]> {
  const why = whyNoSlurm();
  if (why !== undefined) return [{ what: 'lanes on a cluster', value: 'not measured', how: why }];
  const cluster = await Cluster.open({
    cpus: width / 2,
    ci: {
      concurrency: width,
      pollSeconds: 5,
      leaseSeconds: 120,
      heartbeatSeconds: 30,
      slurm: { pollSeconds: 5 },
    },
    target: { concurrency: 64, memoryMebibytes: 256, sandbox: 'auto' },
  });
  try {
    const starts = await measureStarts(cluster);
    const onCluster = await measureMany(cluster, 'cluster');
    const here = await measureMany(cluster, 'local');
    const how = `${lanes} lanes that do nothing, ${width} at once`;
    return [
      {
        what: 'queued → first output of a lane on an idle cluster, p50',
        value: inMs(quantile(starts, 0.5)),
        how: `${alone} lanes, one after the other`,
      },
      {
        what: 'queued → first output of a lane on an idle cluster, p95',
        value: inMs(quantile(starts, 0.95)),
        how: `${alone} lanes, one after the other`,
      },
      {
        what: `${lanes} lanes on Slurm`,
        value: inSeconds(onCluster),
        how: `${how} over two nodes of this machine`,
      },
      { what: `${lanes} lanes on local`, value: inSeconds(here), how: `${how} in threads of the forge` },
    ];
  } finally {
    await cluster.dispose();
  }
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

async function measureStarts(cluster: Cluster): Promise<number[]> {
  const delays: number[] = [];
  for (let turn = 0; turn < alone; turn += 1) {
    const lane = await cluster.end(await cluster.start(`alone-${turn}`, 'echo here'));
    const { state, queuedAt, firstOutputAt = Number.NaN, message } = lane.attempt;
    if (state !== 'success') throw new Error(`A lane on the cluster did not pass: ${message}`);
    delays.push(firstOutputAt - queuedAt);
  }
  return delays;
}

async function measureMany(cluster: Cluster, target: 'cluster' | 'local'): Promise<number> {
  const { forge, repo } = cluster;
  const keys = Array.from({ length: lanesPerBranch }, (_, index) => `no-op-${index}`);
  const files = manifest(...keys.map((id) => `id = "${id}"\ncommand = "true"\ntarget = "${target}"`));
  const countEnded = `SELECT count(*) AS ended, count(CASE a.state WHEN 'success' THEN 1 END) AS good
    FROM lane_attempts a JOIN lanes l ON l.id = a.lane_id
   WHERE l.target = :target AND l.key LIKE 'no-op-%' AND a.finished_at IS NOT NULL`;
  const count = () =>
    forge.db.get<{ ended: number; good: number }>(countEnded, { target }) ?? { ended: 0, good: 0 };
  const spent = await timed(async () => {
    for (let branch = 0; branch < lanes / lanesPerBranch; branch += 1) {
      await pushBranch(forge, repo, { name: `${target}-${branch}`, files: { ...files, a: `${branch}` } });
    }
    await until(`${lanes} lanes have ended on ${target}`, () => count().ended >= lanes, 300_000);
  });
  const { good } = count();
  if (good !== lanes) throw new Error(`Only ${good} of ${lanes} lanes passed on ${target}.`);
  return spent;
}
