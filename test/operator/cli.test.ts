import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runOperator } from '../../src/operator/cli.ts';

test('what the system refuses is told in its words, as one line', async () => {
  const place = mkdtempSync(join(tmpdir(), 'pika-cli-'));
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => {
    write.mockRestore();
    rmSync(place, { recursive: true });
  });
  symlinkSync(join(place, 'loop'), join(place, 'loop'));
  expect(await runOperator(['backup', 'list', join(place, 'loop')])).toBe(1);
  expect(write.mock.calls.join('')).toMatch(/^pika-git: The system refused it: ELOOP: .*loop.backups'\.\n$/);
});
