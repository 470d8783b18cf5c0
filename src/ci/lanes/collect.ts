// Takes what a lane leaves for people out of its checkout, after the last of its programs has ended: artifacts as they
// are, and reports with secrets masked. Too much of either is left out and said so, and never fails the lane.
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { constants, mkdir, open, rename, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { findFiles, isPlainWay, type FoundFile } from './find-files.ts';
import type { StartMessage, StoredArtifact, StoredReport } from './lane-message.ts';
import { Mask } from './mask.ts';
import { mebibytes } from '../sizes.ts';

export interface Collecting {
  work: string;
  signal: AbortSignal;
  /** Says something in the log of the lane. */
  note: (text: string) => void;
}

type ArtifactOrder = Pick<
  StartMessage,
  'artifacts' | 'artifactsFolder' | 'maxArtifacts' | 'maxArtifactBytes'
>;

/** Copies the artifacts into their folder, each under the SHA-256 of its bytes. */
export async function collectArtifacts(
  order: ArtifactOrder,
  { work, signal, note }: Collecting,
): Promise<StoredArtifact[]> {
  if (order.artifacts.length === 0) return [];
  const found = await findFiles(work, order.artifacts);
  if (found.length === 0) note(`artifacts: nothing matches ${order.artifacts.join(', ')}`);
  const kept: StoredArtifact[] = [];
  let left = order.maxArtifactBytes;
  await mkdir(order.artifactsFolder, { recursive: true, mode: 0o700 });
  for (const file of found) {
    if (signal.aborted || kept.length === order.maxArtifacts) break;
    if (file.bytes > left) continue;
    const copy = await copyFile(work, file, { folder: order.artifactsFolder, maxBytes: left });
    if (copy === undefined) continue;
    left -= copy.bytes;
    kept.push({ path: file.path, ...copy });
  }
  const missing = found.length - kept.length;
  if (missing > 0) {
    const most = `${order.maxArtifacts} files of ${mebibytes(order.maxArtifactBytes)} together`;
    note(`artifacts: ${missing} of ${found.length} files are left out; at most ${most} are kept`);
  }
  return kept;
}

async function copyFile(
  work: string,
  file: FoundFile,
  { folder, maxBytes }: { folder: string; maxBytes: number },
): Promise<{ bytes: number; sha256: string } | undefined> {
  const incoming = join(folder, `incoming-${randomBytes(6).toString('hex')}`);
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(bytes > maxBytes ? new Error('it is too large') : null, chunk);
    },
  });
  try {
    await copyThrough(work, file.path, { transform: measure, target: incoming });
    const sha256 = hash.digest('hex');
    await rename(incoming, join(folder, sha256));
    return { bytes, sha256 };
  } catch {
    // It cannot be read, or grew past the limit: it is counted among those left out.
    await rm(incoming, { force: true });
    return undefined;
  }
}

type ReportOrder = Pick<
  StartMessage,
  'reports' | 'reportsFolder' | 'maxReports' | 'maxReportBytes' | 'secrets'
>;

/** Copies the reports into their folder under plain names. */
export async function collectReports(
  order: ReportOrder,
  { work, signal, note }: Collecting,
): Promise<StoredReport[]> {
  if (order.reports.length === 0) return [];
  const found = await findFiles(work, order.reports);
  const wanted = found.filter(({ bytes }) => bytes <= order.maxReportBytes).slice(0, order.maxReports);
  await mkdir(order.reportsFolder, { recursive: true, mode: 0o700 });
  const kept: StoredReport[] = [];
  for (const [place, { path }] of wanted.entries()) {
    if (signal.aborted) break;
    const extension = /^\.[a-z0-9]{1,8}$/i.test(extname(path)) ? extname(path).toLowerCase() : '';
    const stored = `${place + 1}${extension}`;
    const target = join(order.reportsFolder, stored);
    try {
      await copyThrough(work, path, { transform: masking(Object.values(order.secrets)), target });
      kept.push({ path, stored });
    } catch {
      await rm(target, { force: true });
    }
  }
  const missing = found.length - kept.length;
  if (missing > 0) {
    const most = `${order.maxReports} of at most ${mebibytes(order.maxReportBytes)} each`;
    note(`reports: ${missing} of ${found.length} files are left out; ${most} are read`);
  }
  return kept;
}

function masking(secrets: readonly string[]): Transform {
  const mask = new Mask(secrets);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.from(mask.take(chunk)));
    },
    flush(done) {
      done(null, Buffer.from(mask.end()));
    },
  });
}

async function copyThrough(
  work: string,
  path: string,
  { transform, target }: { transform: Transform; target: string },
): Promise<void> {
  if (!(await isPlainWay(work, path))) throw new Error('a symbolic link is on the way to it');
  // Not waiting: a pipe would wait for its writer for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(work, path), flags);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is no file');
    const source = file.createReadStream({ autoClose: false });
    await pipeline(source, transform, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
  } finally {
    await file.close();
  }
}
