// Takes the files that a lane leaves behind elsewhere: artifacts under the SHA-256 of their bytes, reports under their
// numbers. Each is written beside its place and takes it when it is whole. What a claim has sent is counted while it comes
// in, for a program may send everything at once.
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
import { whenLaneEnds } from './when-lane-ends.ts';

interface Extent {
  files: number;
  bytes: number;
}

/** What one claim may leave in one folder. */
interface Room {
  folder: string;
  /** In the plural, for people. */
  what: string;
  maxFiles: number;
  maxFileBytes: number;
  maxBytes: number;
}

interface Incoming {
  name: string;
  body: Readable;
  sha256?: string;
}

export class ReceivedFiles {
  readonly #forge: Forge;
  /** By folder; counted once, because there may be thousands of files. */
  readonly #extents = new Map<string, Extent>();
  readonly #off: () => void;

  constructor(forge: Forge) {
    this.#forge = forge;
    this.#off = whenLaneEnds(forge, (attemptId) => this.#forget(attemptId));
  }

  /** Refuses what is more than an attempt may leave (`too_large`), and bytes that have another SHA-256 (`invalid`). */
  async artifact(lane: HeldLane, { sha256, body }: { sha256: string; body: Readable }): Promise<void> {
    const { maxArtifacts: maxFiles, maxArtifactBytes: maxBytes } = this.#forge.config.ci;
    const folder = join(logFolder(this.#forge, lane), 'artifacts');
    if (existsSync(join(folder, sha256))) return void body.resume();
    const room = { folder, what: 'artifacts', maxFiles, maxFileBytes: maxBytes, maxBytes };
    await this.#receive(room, { name: sha256, body, sha256 });
  }

  /** A report, which is read by the forge once the lane has ended; sent again, it takes the place of the first. */
  async report(lane: HeldLane, { stored, body }: { stored: string; body: Readable }): Promise<void> {
    const { maxReports: maxFiles, maxReportBytes: maxFileBytes } = this.#forge.config.ci;
    const folder = join(logFolder(this.#forge, lane), 'reports');
    const room = { folder, what: 'reports', maxFiles, maxFileBytes, maxBytes: maxFiles * maxFileBytes };
    await this.#receive(room, { name: stored, body });
  }

  stop(): void {
    this.#off();
  }

  async #receive(room: Room, file: Incoming): Promise<void> {
    const { folder, what, maxFiles } = room;
    const extent = this.#extentOf(folder);
    const own: Extent = { files: existsSync(join(folder, file.name)) ? 0 : 1, bytes: 0 };
    if (extent.files + own.files > maxFiles) {
      throw new ForgeError('too_large', `An attempt leaves at most ${maxFiles} ${what}.`);
    }
    extent.files += own.files;
    try {
      await receiveFile(file, room, (bytes) => {
        own.bytes += bytes;
        extent.bytes += bytes;
        return Math.min(room.maxFileBytes - own.bytes, room.maxBytes - extent.bytes) >= 0;
      });
    } catch (error) {
      extent.files -= own.files;
      extent.bytes -= own.bytes;
      throw error;
    }
  }

  #extentOf(folder: string): Extent {
    const known = this.#extents.get(folder);
    if (known !== undefined) return known;
    const names = existsSync(folder) ? readdirSync(folder) : [];
    const bytes = names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    const extent = { files: names.length, bytes };
    this.#extents.set(folder, extent);
    return extent;
  }

  /** Of every claim of the attempt. */
  #forget(attemptId: number): void {
    const attempt = join(this.#forge.config.paths.lanes, String(attemptId), '/');
    for (const folder of this.#extents.keys()) if (folder.startsWith(attempt)) this.#extents.delete(folder);
  }
}

/** `fits` is told of each part of the file, and answers whether there is room for it. */
async function receiveFile(
  { name, body, sha256 }: Incoming,
  { folder, maxFileBytes }: Room,
  fits: (bytes: number) => boolean,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const incoming = join(folder, `incoming-${randomBytes(6).toString('hex')}`);
  const hash = createHash('sha256');
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      if (fits(chunk.length)) done(null, chunk);
      else done(new ForgeError('too_large', `There is room for ${mebibytes(maxFileBytes)} of it here.`));
    },
  });
  try {
    await pipeline(body, measure, createWriteStream(incoming, { flags: 'wx', mode: 0o600 }));
    const found = hash.digest('hex');
    if (sha256 !== undefined && found !== sha256) {
      throw new ForgeError('invalid', `The bytes that were sent have the SHA-256 ${found}; send them again.`);
    }
    await rename(incoming, join(folder, name));
  } finally {
    await rm(incoming, { force: true });
  }
}
