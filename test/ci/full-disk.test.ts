// Lanes on a disk that is full. What a whole forge does on one is in scenarios/disk-full.test.ts.
import { mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { indexName, indexRecordBytes, LogFile, logName } from '../../src/ci/logs/log-file.ts';
import { findTarget } from '../../src/ci/scheduler/target-store.ts';
import { useForge } from '../support/forge.ts';
import { laneStart, runLane } from '../support/lane-start.ts';
import { mountSmallDisk, smallDiskProblem, unmountSmallDisk } from '../support/small-disk.ts';
import { laneText, StagedQueue } from '../support/staged-queue.ts';

const open = useForge();
const problem = smallDiskProblem();
if (problem !== undefined) console.warn(`Skipped in part: no small disk can be made here: ${problem}`);
/** No disk has so much. */
const tooMuch = 1_000_000_000_000;

test('no lane starts, each says why it waits, and they start when there is room', async () => {
  const queue = await StagedQueue.open(open);
  const run = await queue.push('work', [laneText('a')]);
  const { limits } = queue.forge.config;
  const { minFreeMebibytes } = limits;
  limits.minFreeMebibytes = tooMuch;
  expect(queue.claim()).toEqual([]);
  expect(queue.states(run)).toEqual(['a queued paused']);
  expect(queue.lane(run, 'a').attempt.reasonDetail).toMatch(/^the disk of the forge is full/);
  limits.minFreeMebibytes = minFreeMebibytes;
  expect(queue.claim()).toHaveLength(1);
});

test('a target is not blamed for what the disk of the forge did', async () => {
  const queue = await StagedQueue.open(open, { concurrency: 2 });
  await queue.push('work', [laneText('a'), laneText('b')]);
  const claims = queue.claim();
  expect(claims).toHaveLength(2);
  queue.forge.config.limits.minFreeMebibytes = tooMuch;
  for (const claim of claims) queue.end(claim, { state: 'failed', failureKind: 'infrastructure' });
  expect(findTarget(queue.forge.db, 'local')).toBeUndefined();
});

test('a program that fails there says nothing about its commit, and one that succeeds has succeeded', async () => {
  const it = await open();
  const minFreeBytes = Number.MAX_SAFE_INTEGER;
  const failed = await runLane(await laneStart(it, { tier: 'none', command: 'exit 1', minFreeBytes }));
  expect(failed.result).toMatchObject({
    outcome: 'failed',
    failureKind: 'infrastructure',
    message: expect.stringContaining('has less than'),
  });
  const passed = await runLane(await laneStart(it, { tier: 'none', command: 'true', minFreeBytes }));
  expect(passed.result).toMatchObject({ outcome: 'success' });
});

test.skipIf(problem !== undefined)('a log ends where the disk ends, and can be read up to there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pika-disk-'));
  mountSmallDisk(folder, 1);
  onTestFinished(() => {
    unmountSmallDisk(folder);
    rmdirSync(folder);
  });
  const log = new LogFile(folder, 64 * 1024 * 1024);
  const line = `${'x'.repeat(999)}\n`;
  for (let written = 0; written < 3000; written += 1) log.write(Buffer.from(line));
  log.note('the end');
  log.close();
  expect(log.isCutShort).toBe(true);
  const text = readFileSync(join(folder, logName), 'utf8');
  expect(text.length).toBe(log.bytes);
  expect(text).toMatch(/^(?:x{999}\n)+x*$/);
  const indexed = statSync(join(folder, indexName)).size / indexRecordBytes;
  expect(indexed).toBeGreaterThanOrEqual(Math.floor(text.length / 1000));
});
