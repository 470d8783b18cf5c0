import { expect, test } from 'vitest';
import { readLanes } from '../../src/ci/manifest/manifest.ts';

test('a matrix is read as single lanes, with its values in every text, and needs by id or by key', () => {
  const lanes = readLanes(
    `
[[lane]]
id = "unit"
title = "Node \${matrix.node}"
command = "run --\${matrix.flag}"
matrix = { node = ["22", "24.1"], flag = ["Fast mode"] }
group = "host-\${matrix.node}"
env = { KEPT = "\${matrix.flag}", MATRIX_NODE = "mine" }
cache = [{ key = "npm-\${matrix.node}-\${hash:*.json}", paths = ["\${matrix.node}"] }]
[[lane]]
id = "pack"
command = "true"
needs = ["unit"]
[[lane]]
id = "last"
command = "true"
needs = ["unit.24.1.fast-mode", "pack", "unit"]
`,
    { maxLanesPerManifest: 9, maxLaneMinutes: 60 },
  );
  const keys = ['unit.22.fast-mode', 'unit.24.1.fast-mode'];
  expect(lanes.map(({ key }) => key)).toEqual([...keys, 'pack', 'last']);
  expect(lanes[1]).toMatchObject({
    id: 'unit',
    title: 'Node 24.1',
    command: 'run --Fast mode',
    group: 'host-24.1',
    env: { KEPT: 'Fast mode', MATRIX_NODE: 'mine', MATRIX_FLAG: 'Fast mode' },
    extras: {
      matrix: { node: '24.1', flag: 'Fast mode' },
      caches: [{ key: 'npm-24.1-${hash:*.json}', paths: ['24.1'] }],
    },
  });
  expect(lanes.map(({ needs }) => needs)).toEqual([[], [], keys, [keys[1], 'pack', keys[0]]]);
});
