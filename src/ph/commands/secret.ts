// Secrets of the repository. Their values go to the forge and never come back.
import { secretListView, secretNameProblem, secretView, type SecretView } from '../../ci/secrets/model.ts';
import { exitStatus, type ExitStatus } from '../../lib/statuses.ts';
import { wrongUse } from '../failure.ts';
import { cleanLine, printJson, printTable, stderr, stdout } from '../output.ts';
import { findPlace, repoRoute, type Place, type PlaceOptions } from '../place.ts';
import { readSecret } from '../read-secret.ts';

export interface SecretOptions extends PlaceOptions {
  json?: boolean;
}

export interface SetSecretOptions extends SecretOptions {
  refs?: string[];
  valueFile?: string;
  keepValue?: boolean;
}

export async function listSecrets(options: SecretOptions): Promise<ExitStatus> {
  const place = await findPlace(options);
  const answer = await place.client.get(secretsRoute(place), { answer: secretListView });
  if (options.json) printJson(answer);
  else if (answer.secrets.length === 0) stderr.line(`${place.owner}/${place.repo} has no secrets.`);
  else printTable(answer.secrets.map(rowOf));
  return exitStatus.done;
}

/** Sets the value, who may have it, or both; asks for the value last, when everything else is fine. */
export async function setSecret(name: string, options: SetSecretOptions): Promise<ExitStatus> {
  checkName(name);
  const refs = options.refs?.flatMap((patterns) => patterns.split(/\s+/)).filter((part) => part !== '');
  if (options.keepValue && refs === undefined) {
    throw wrongUse('With --keep-value only the branches change; name them: --refs PATTERN…');
  }
  if (options.keepValue && options.valueFile !== undefined) {
    throw wrongUse('Give --keep-value or --value-file, not both.');
  }
  const place = await findPlace(options);
  const value = options.keepValue ? undefined : await readSecret(`Value of ${name}: `, options.valueFile);
  if (value === '') throw wrongUse(`No value came for ${name}. Pipe it in, or give --value-file FILE.`);
  const body = { ...(value === undefined ? {} : { value }), ...(refs === undefined ? {} : { refs }) };
  const answer = await place.client.put(secretRoute(place, name), body, secretView);
  if (options.json) printJson(answer);
  else {
    const { owner, repo } = place;
    stdout.line(`${name} of ${owner}/${repo} is set for ${answer.refs.map(cleanLine).join(' ')}`);
  }
  return exitStatus.done;
}

export async function removeSecret(name: string, options: SecretOptions): Promise<ExitStatus> {
  checkName(name);
  const place = await findPlace(options);
  await place.client.remove(secretRoute(place, name));
  if (options.json) printJson({ removed: name });
  else stdout.line(`${name} of ${place.owner}/${place.repo} is removed`);
  return exitStatus.done;
}

function checkName(name: string): void {
  const problem = secretNameProblem(name);
  if (problem !== undefined) throw wrongUse(`"${name}" is no name of a secret: ${problem}.`);
}

const secretsRoute = (place: Place): string => `${repoRoute(place)}/secrets`;
const secretRoute = (place: Place, name: string): string =>
  `${secretsRoute(place)}/${encodeURIComponent(name)}`;

const rowOf = ({ name, refs, updatedAt, updatedBy }: SecretView): string[] => [
  cleanLine(name),
  refs.map(cleanLine).join(' '),
  updatedAt.slice(0, 10),
  cleanLine(updatedBy ?? ''),
];
