// From the moment a pushed ref exists to the first byte of its lane's log.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Db } from '../../src/db/open.ts';
import { makePh } from '../support/ph.ts';
import { manifestOf, pushBranch, pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge } from '../support/serve.ts';
import { inMs, quantile, type Figure } from './measure.ts';

const pushes = 20;

export async function measurePushes(): Promise<Figure[]> {
  const served = await startForge();
  try {
    const ada = await served.person('ada', 'admin');
    const ph = await makePh(served, ada);
    const files = { '.pika/lanes.toml': manifestOf([{ id: 'unit', command: 'echo first' }]) };
    await pushProject(served, { client: ada, repo: 'demo/app', files });
    const acceptedAt = new Map<string, number>();
    for (let turn = 0; turn < pushes; turn += 1) {
      const name = `topic-${turn}`;
      const { head } = await pushBranch(ada, { name, message: name, files: { [`${name}.txt`]: name } });
      // The loose ref is written at the moment git accepts the push.
      acceptedAt.set(head, statSync(join(served.data, 'repos/1.git/refs/heads', name)).mtimeMs);
      const { status, stderr } = await ph('wait');
      if (status !== 0) throw new Error(`The lane of ${name} did not pass: ${stderr}`);
    }
    const firstOutputAt = readFirstOutput(join(served.data, 'forge.db'));
    const delays = [...acceptedAt].map(([head, at]) => (firstOutputAt.get(head) ?? Number.NaN) - at);
    const how = `${pushes} pushes over SSH, one after the other, sandbox as probed`;
    return [
      { what: "push accepted → lane's first output byte, p50", value: inMs(quantile(delays, 0.5)), how },
      { what: "push accepted → lane's first output byte, p95", value: inMs(quantile(delays, 0.95)), how },
    ];
  } finally {
    await disposeServed(served);
  }
}

function readFirstOutput(path: string): Map<string, number> {
  const db = new Db(path);
  const rows = db.all<{ head_oid: string; at: number }>(
    `SELECT runs.head_oid, min(lane_attempts.first_output_at) AS at FROM lane_attempts
       JOIN lanes ON lanes.id = lane_attempts.lane_id JOIN runs ON runs.id = lanes.run_id
      GROUP BY runs.head_oid`,
  );
  db.close();
  return new Map(rows.map(({ head_oid, at }) => [head_oid, at]));
}
