import type { Db } from '../../db/open.ts';
import type { LaneSpec } from '../manifest/manifest.ts';

/**
 * The number of the run in which the newest execution of exactly this lane at this tree was green; undefined when there is
 * none, or the newest failed. What stands for an earlier success itself, without having run, does not count.
 */
export function findGreenRun(
  db: Db,
  { repoId, treeOid, lane }: { repoId: number; treeOid: string; lane: LaneSpec },
): number | undefined {
  const row = db.get<{ state: string; number: number }>(
    `SELECT a.state, r.number
       FROM runs r JOIN lanes l ON l.run_id = r.id AND l.key = :key
       JOIN lane_attempts a ON a.lane_id = l.id
      WHERE r.repo_id = :repoId AND r.tree_oid = :treeOid AND r.kind IN ('branch', 'landing')
        AND a.state IN ('success', 'failed') AND a.started_at IS NOT NULL
        AND l.command = :command AND l.env = :env AND l.target = :target AND l.needs = :needs AND l.spec = :spec
      ORDER BY a.finished_at DESC, a.id DESC LIMIT 1`,
    {
      repoId,
      treeOid,
      key: lane.key,
      command: JSON.stringify(lane.command),
      env: JSON.stringify(lane.env),
      target: lane.target,
      needs: JSON.stringify(lane.needs),
      spec: JSON.stringify(lane.extras),
    },
  );
  return row?.state === 'success' ? row.number : undefined;
}
