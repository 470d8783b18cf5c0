// Takes the files that a lane leaves behind elsewhere: artifacts under the SHA-256 of their bytes, reports under their
// numbers. Each is written beside its place and takes it when it is whole.
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Forge } from '../../forge/open.ts';
import { ForgeError } from '../../lib/errors.ts';
import { logFolder } from '../lanes/launch.ts';
import { mebibytes } from '../sizes.ts';
import type { HeldLane } from './agent-credential.ts';

interface Extent {
  files: number;
  bytes: number;
}

export class Artifacts {
  readonly #forge: Forge;
  /** Of attempts that are sending theirs: counted once, because there may be thousands. */
  readonly #extents = new Map<number, Extent>();

  constructor(forge: Forge) {
    this.#forge = forge;
  }

  /** Refuses what is more than an attempt may leave (`too_large`), and bytes that have another SHA-256 (`invalid`). */
  async receive(lane: HeldLane, sha256: string, body: Readable): Promise<void> {
    const { maxArtifacts, maxArtifactBytes } = this.#forge.config.ci;
    const folder = join(logFolder(this.#forge, lane), 'artifacts');
    const extent = this.#extentOf(lane, folder);
    if (existsSync(join(folder, sha256))) return void body.resume();
    if (extent.files >= maxArtifacts) {
      throw new ForgeError('too_large', `An attempt leaves at most ${maxArtifacts} artifacts.`);
    }
    const maxBytes = maxArtifactBytes - extent.bytes;
    const { bytes } = await receiveFile(body, { folder, name: sha256, maxBytes, sha256 });
    extent.files += 1;
    extent.bytes += bytes;
  }

  forget(attemptId: number): void {
    this.#extents.delete(attemptId);
  }

  #extentOf({ attemptId }: HeldLane, folder: string): Extent {
    const known = this.#extents.get(attemptId);
    if (known !== undefined) return known;
    const names = existsSync(folder) ? readdirSync(folder) : [];
    const bytes = names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    const extent = { files: names.length, bytes };
    this.#extents.set(attemptId, extent);
    return extent;
  }
}

/** A report, which is read by the forge once the lane has ended. */
export async function receiveReport(
  forge: Forge,
  lane: HeldLane,
  report: { stored: string; body: Readable },
): Promise<void> {
  const { maxReports, maxReportBytes } = forge.config.ci;
  if (Number.parseInt(report.stored, 10) > maxReports) {
    throw new ForgeError('too_large', `An attempt leaves at most ${maxReports} reports.`);
  }
  const folder = join(logFolder(forge, lane), 'reports');
  await receiveFile(report.body, { folder, name: report.stored, maxBytes: maxReportBytes });
}

async function receiveFile(
  body: Readable,
  target: { folder: string; name: string; maxBytes: number; sha256?: string },
): Promise<{ bytes: number }> {
  const { folder, name, maxBytes, sha256 } = target;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const incoming = join(folder, `incoming-${randomBytes(6).toString('hex')}`);
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes <= maxBytes) done(null, chunk);
      else done(new ForgeError('too_large', `There is room for ${mebibytes(maxBytes)} of it here.`));
    },
  });
  try {
    await pipeline(body, measure, createWriteStream(incoming, { flags: 'wx', mode: 0o600 }));
    const found = hash.digest('hex');
    if (sha256 !== undefined && found !== sha256) {
      throw new ForgeError('invalid', `The bytes that were sent have the SHA-256 ${found}; send them again.`);
    }
    await rename(incoming, join(folder, name));
    return { bytes };
  } finally {
    await rm(incoming, { force: true });
  }
}
