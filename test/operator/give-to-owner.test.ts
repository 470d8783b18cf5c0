import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, chownSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { giveToOwner } from '../../src/operator/give-to-owner.ts';
import { testUnless } from '../support/where-installed.ts';

const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

testUnless(isRoot ? undefined : 'only root can give files away', 'what root restores')(
  "what root restores into the folder of the user of the forge is that user's, and no link is followed",
  async () => {
    const place = mkdtempSync(join(tmpdir(), 'pika-owner-'));
    onTestFinished(() => rmSync(place, { recursive: true }));
    const folder = join(place, 'data');
    mkdirSync(join(folder, 'repos/1.git'), { recursive: true });
    const outside = join(place, 'outside');
    for (const path of [outside, join(folder, 'forge.db'), join(folder, 'repos/1.git/HEAD')])
      writeFileSync(path, '');
    symlinkSync(outside, join(folder, 'link'));
    chownSync(folder, nobody, nobody);
    await giveToOwner(folder);
    for (const name of ['forge.db', 'repos', 'repos/1.git/HEAD', 'link']) {
      expect(lstatSync(join(folder, name)), name).toMatchObject({ uid: nobody, gid: nobody });
    }
    expect(lstatSync(outside).uid).toBe(0);
  },
);
