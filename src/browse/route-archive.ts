// A commit's files as one download, written by git while it is sent. Nothing that a repository says about its files
// (`.gitattributes`) starts a program: there are no filters in the forge's configuration, and refused-programs.ts
// stands in for the only other ones.
import { Router, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import type { Forge } from '../forge/open.ts';
import { sendOutput } from '../git/send-output.ts';
import { measureTrees } from '../git/tree-extent.ts';
import { ForgeError } from '../lib/errors.ts';
import { repoOf } from '../repos/guard.ts';
import { fullName } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { takeDownload } from './downloads.ts';
import { apiPrefix, placeAt, routeBelow, type Exchange, type Place } from './place.ts';
import { refusePrograms } from './refused-programs.ts';
import { apiRoute, apiRow } from '../web/api-route.ts';
import { attachment } from '../web/attachment.ts';

const formats = { 'tar.gz': 'application/gzip', zip: 'application/zip' } as const;
type Format = keyof typeof formats;

const apiArchiveRow = apiRow({
  method: 'get',
  path: `${apiPrefix}/:owner/:repo/archive/*name`,
  at: routeBelow('archive', apiPrefix),
  summary: 'Download everything as an archive',
  description: 'The name is a branch, a tag or a commit, with `.tar.gz` or `.zip` behind it.',
  right: 'read',
  answer: 'file',
});

export function archiveRoutes(forge: Forge): Router {
  const router = Router();
  const send = (request: Exchange['request'], response: Response) =>
    sendArchive(forge, { request, response });
  router.get(routeBelow('archive'), send);
  apiRoute(router, apiArchiveRow, send);
  return router;
}

async function sendArchive(forge: Forge, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const repo = repoOf(forge, exchange, 'read');
  const match = /\/archive\/(.+)\.(tar\.gz|zip)$/s.exec(request.path);
  const place = match === null ? undefined : await placeAt(forge, repo, match[1] ?? '');
  if (place === undefined || place.path !== '') {
    throw new ForgeError(
      'not_found',
      `An archive of ${fullName(repo)} is called like a branch, a tag or a commit, with .tar.gz or .zip behind it.`,
    );
  }
  const format: Format = match?.[2] === 'zip' ? 'zip' : 'tar.gz';
  const name = `${repo.name}-${place.ref.kind === 'commit' ? place.commit.slice(0, 12) : place.ref.name.replaceAll('/', '-')}`;
  response.setHeader('ETag', `"${place.commit}-${format}"`);
  response.setHeader('Cache-Control', 'private, no-cache');
  if (request.fresh) {
    response.status(304).end();
    return;
  }
  const head = {
    'Content-Type': formats[format],
    'Content-Disposition': attachment(`${name}.${format}`),
    'Accept-Ranges': 'none',
  };
  if (request.method === 'HEAD') response.set(head).end();
  else await writeArchive(forge, exchange, { place, format, name, head });
}

interface WantedArchive {
  place: Place;
  format: Format;
  /** Of the one folder in it. */
  name: string;
  head: Record<string, string>;
}

async function writeArchive(forge: Forge, exchange: Exchange, wanted: WantedArchive): Promise<void> {
  const release = takeDownload(forge, callerOf(exchange.response), 'archive');
  try {
    await refuseEndless(forge, wanted.place);
    await pourArchive(forge, exchange, wanted);
  } finally {
    release();
  }
}

/** A few objects can spell more files than any disk holds, and git would write them one after the other. */
async function refuseEndless(forge: Forge, { repo, commit, ref }: Place): Promise<void> {
  const { maxTreeFiles } = forge.config.limits;
  const trees = { names: [`${commit}^{tree}`] };
  const { files } = await measureTrees(forge.git, { repo: repoPath(forge, repo.id) }, trees);
  if (files <= maxTreeFiles) return;
  throw new ForgeError(
    'too_large',
    `${ref.shown} has more than ${maxTreeFiles} files, too many for an archive. Clone ${fullName(repo)} instead.`,
  );
}

function pourArchive(forge: Forge, { response }: Exchange, wanted: WantedArchive): Promise<void> {
  const options = { repo: repoPath(forge, wanted.place.repo.id), env: refusePrograms(forge) };
  const seconds = forge.config.limits.archiveSeconds;
  return sendOutput(forge.git, { args: archiveArgs(wanted), options, head: wanted.head, seconds }, response);
}

function archiveArgs({ place, format, name }: WantedArchive): string[] {
  return ['archive', `--format=${format}`, `--prefix=${name}/`, place.commit];
}
