// "What it must show" of the design of CI, point 6: the forge is killed while lanes run.
import { expect, onTestFinished, test, vi } from 'vitest';
import { cookiePrefix } from '../../src/ci/lanes/launch.ts';
import { findSurvivors } from '../../src/ci/lanes/survivors.ts';
import { Beacons } from '../soak/beacons.ts';
import { laneText } from '../soak/ci-work.ts';
import { rows } from '../soak/verify.ts';
import { pushBranch, pushProject } from '../support/sample-project.ts';
import { useServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const settings = '[ci]\nconcurrency = 2\npollSeconds = 1\n';
const wait = { timeout: 180_000, interval: 100 };

test(
  '6. after kill -9 with lanes running, nothing is lost or doubled, and no program of the old lanes lives',
  { timeout: 600_000 },
  async () => {
    const beacons = await Beacons.open(2);
    onTestFinished(() => beacons.close());
    beacons.hold();
    const served = await startForge({ settings });
    const ada = await served.person('ada', 'admin');
    const lane = (id: string, group: string) =>
      laneText(id, {
        port: beacons.port,
        group,
        more:
          group === '-'
            ? ''
            : `group = "${group}"
`,
      });
    const manifest = [lane('one', '-'), lane('two', 'host'), lane('three', 'host')].join('\n');
    await pushProject(served, {
      client: ada,
      repo: 'demo/app',
      files: { '.pika/lanes.toml': manifest },
    });
    await pushBranch(ada, { name: 'topic', message: 'Change', files: { 'a.txt': 'a\n' } });
    await vi.waitFor(() => expect(beacons.list()).toHaveLength(2), wait);
    const old = beacons.list();
    await served.kill();
    await served.restart();
    // The answer to the start came after the old lanes were ended, whatever they did.
    for (const { cookie } of old) expect(findSurvivors(cookie)).toEqual([]);

    beacons.release();
    const lanes = () =>
      rows<{ key: string; state: string; token: number; attempts: number }>(
        served.data,
        `SELECT key, state, token, (SELECT count(*) FROM lane_attempts WHERE lane_id = lanes.id) AS attempts
           FROM lane_attempts JOIN lanes ON lanes.id = lane_id ORDER BY position`,
      );
    await vi.waitFor(() => expect(lanes().map(({ state }) => state)).toEqual(Array(3).fill('success')), wait);
    expect(lanes().every(({ attempts }) => attempts === 1)).toBe(true);
    for (const { attempt, token } of old) {
      const again = rows<{ token: number }>(
        served.data,
        `SELECT token FROM lane_attempts WHERE id = ${attempt}`,
      );
      expect(again[0]!.token).toBeGreaterThan(token);
    }
    expect(beacons.faults).toEqual([]);
    expect(beacons.completed).toBe(3);
    expect(findSurvivors(cookiePrefix(served.data))).toEqual([]);
  },
);
