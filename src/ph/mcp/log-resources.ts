// Logs of lanes as resources of `ph mcp`: those of the newest run of the branch that is checked out are listed, every
// other one is read by its address.
import { ResourceTemplate, type McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { notFound } from '../failure.ts';
import { readLog } from '../lane-log.ts';
import { cleanLine } from '../output.ts';
import { findBranch, findForge, findPlace, getStatus } from '../place.ts';
import { reasonOf } from '../verdict.ts';
import { Ends } from './ends.ts';

const address = 'ph-log://{owner}/{repo}/{run}/{lane}/{attempt}';
const maxHeadChars = 50_000;
const maxTailChars = 200_000;

export function addLogResources(server: McpServer): void {
  server.registerResource(
    'lane-log',
    new ResourceTemplate(address, { list: async () => ({ resources: await listLogs() }) }),
    {
      title: 'Log of a lane',
      description: 'What one attempt of a lane printed, secrets masked. Attempts are counted from 1.',
      mimeType: 'text/plain',
    },
    async (uri, { owner, repo, run, lane, attempt }) => {
      const client = await findForge();
      const place = { client, owner: one(owner), repo: one(repo), checkout: undefined, remote: undefined };
      const text = new Ends(maxHeadChars, maxTailChars);
      const log = { place, run: count(one(run)), lane: one(lane), attempt: count(one(attempt)) };
      for await (const lines of readLog(log, () => false)) text.add(lines);
      return { contents: [{ uri: uri.href, mimeType: 'text/plain', text: text.text() }] };
    },
  );
}

async function listLogs(): Promise<{ uri: string; name: string; description: string }[]> {
  const place = await findPlace();
  const { view } = await findBranch(place, undefined);
  const { run } = await getStatus(place, view.number);
  return (run?.lanes ?? [])
    .filter((lane) => lane.startedAt !== null)
    .map((lane) => ({
      uri: `ph-log://${[place.owner, place.repo, String(run?.number), lane.id, String(lane.attempt)].map(encodeURIComponent).join('/')}`,
      name: cleanLine(lane.id),
      description: `${lane.state} ${reasonOf(lane)}`.trim(),
    }));
}

const one = (value: string | string[] | undefined): string => decodeURIComponent([value].flat()[0] ?? '');

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw notFound(`There is no log at that address; it is written ${address}.`);
}
