import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { tourStream } from '../../src/operator/tour.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

test('the tests of the sample repository pass on each of its branches', async () => {
  const { forge, repo, repoFolder, folder } = await open();
  const tour = repoFolder(await repo('welcome/tour'));
  for (const branch of ['main', 'greet-politely', 'pick-a-language']) {
    // Each branch starts where main is then; here the earlier one has landed.
    if (branch === 'pick-a-language') {
      await forge.git.run(['update-ref', 'refs/heads/main', 'refs/heads/greet-politely'], { repo: tour });
    }
    await forge.git.run(['fast-import', '--quiet'], { repo: tour, input: tourStream(branch, Date.now()) });
    const work = `${folder}/${branch}`;
    execFileSync('git', ['clone', '--quiet', '--branch', branch, tour, work], { stdio: 'pipe' });
    const output = execFileSync('sh', ['test/greet-test.sh'], { cwd: work, encoding: 'utf8' });
    expect(output).toContain('ok      greet Ada');
  }
});
