// How long the server takes for the pages that read a repository, each asked once for what was not asked before.
import { outputOf } from '../support/run-program.ts';
import { plainEnvironment, type RepoShape } from './made-repo.ts';
import { inMs, median, quantile, timed, type Figure } from './measure.ts';
import { openStage, type Stage } from './targets.ts';

const loads = 20;
const shapes: Record<string, RepoShape> = {
  short: { name: '20k', commits: 3000, files: 1600 },
  full: { name: '400k', commits: 43_000, files: 4200 },
};

export async function measurePages(size: 'short' | 'full' = 'short'): Promise<Figure[]> {
  const stage = await openStage(shapes[size] ?? { name: 'none', commits: 1, files: 1 });
  try {
    const { made } = stage;
    const list = await outputOf(
      ['git', '--git-dir', made.folder, 'rev-list', '--max-count=4000', made.main],
      { cwd: '/', env: plainEnvironment(made.folder) },
    );
    const commits = list
      .split('\n')
      .filter((_oid, at) => at % Math.max(1, Math.floor(list.length / 41 / loads)) === 3);
    const paths = made.paths.filter((_path, at) => at % Math.floor(made.paths.length / loads) === 1);
    const folders = [...new Set(made.paths.map((path) => path.replace(/\/[^/]*$/, '')))];
    const page = (name: string, urls: readonly string[]) =>
      loadPages(stage, { name, paths: urls.slice(0, loads) });
    return [
      await page(
        'tree page',
        folders.map((folder) => `/demo/made/tree/main/${folder}`),
      ),
      await page(
        'tree page of an older commit',
        commits.map((oid) => `/demo/made/tree/${oid}`),
      ),
      await page(
        'file page',
        paths.map((path) => `/demo/made/blob/main/${path}`),
      ),
      await page(
        'raw file',
        paths.map((path) => `/demo/made/raw/main/${path}`),
      ),
      await page(
        'commit page',
        commits.map((oid) => `/demo/made/commit/${oid}`),
      ),
      await page(
        'history page',
        commits.map((oid) => `/demo/made/commits/${oid}`),
      ),
      await page(
        'history page of a file',
        paths.map((path) => `/demo/made/commits/main/${path}`),
      ),
      await page(
        'blame page',
        paths.map((path) => `/demo/made/blame/main/${path}`),
      ),
      await page(
        'compare page',
        commits.slice(1).map((oid, at) => `/demo/made/compare/${oid}...${commits[at]}`),
      ),
      await page(
        'search in names',
        ['file-12', 'room-3', 'shelf', 'doc'].map((q) => `/demo/made/search?q=${q}&in=names`),
      ),
    ];
  } finally {
    await stage.dispose();
  }
}

/** One request for each path, one after the other; a first one for the home page warms what every page needs. */
export async function loadPages(
  { served, token, made }: Pick<Stage, 'served' | 'token' | 'made'>,
  { name, paths }: { name: string; paths: readonly string[] },
): Promise<Figure> {
  const load = async (path: string): Promise<void> => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/html' };
    const page = await fetch(`${served.http}${path}`, { headers });
    const text = await page.text();
    if (page.status !== 200) throw new Error(`${path} answers ${page.status}: ${text.slice(0, 300)}`);
  };
  await load('/');
  const durations: number[] = [];
  for (let turn = 0; turn < loads; turn += 1) {
    const path = paths[turn % paths.length] ?? '/';
    durations.push(await timed(() => load(path)));
  }
  const how = `${made.objects.toLocaleString('en')} objects; ${loads} requests, p95 ${inMs(quantile(durations, 0.95))}`;
  return { what: name, value: inMs(median(durations)), how };
}
