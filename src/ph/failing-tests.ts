// Which tests failed, as the reports of the lanes tell it, with the line to look at first.
import { runTestsView, type LaneTestsView } from '../ci/tests/model.ts';
import { exitStatus } from '../lib/statuses.ts';
import { Failure } from './failure.ts';
import { clean, cleanLine, type Screen } from './output.ts';
import { repoRoute, type Place } from './place.ts';

const shownTests = 20;
const shownLines = 12;

/** The lanes of a run that have failing tests, or reports that could not be read; none on a forge that knows no tests. */
export async function readFailingTests(place: Place, run: number): Promise<LaneTestsView[]> {
  try {
    const route = `${repoRoute(place)}/runs/${run}/tests`;
    const { lanes } = await place.client.get(route, { answer: runTestsView });
    return lanes.filter(
      (lane) => failingCount(lane) > 0 || lane.reports.some(({ problem }) => problem !== null),
    );
  } catch (error) {
    if (error instanceof Failure && error.status === exitStatus.notFound) return [];
    throw error;
  }
}

const failingCount = ({ failed, errors }: LaneTestsView): number => failed + errors;

/** For people: each failing test with its place and the beginning of what it said. */
export function describeTests(lane: LaneTestsView, screen: Screen): string[] {
  const failing = failingCount(lane);
  const count = failing + lane.passed + lane.skipped;
  const shown = lane.failures.slice(0, shownTests);
  const problems = lane.reports.flatMap(({ path, problem }) =>
    problem === null ? [] : [screen.paint('yellow', `report ${cleanLine(path)}: ${cleanLine(problem)}`)],
  );
  if (failing === 0) return problems;
  return [
    ...problems,
    `${failing} of ${count} ${count === 1 ? 'test' : 'tests'} failed`,
    ...shown.flatMap((test) => {
      const place =
        test.file === null ? '' : `${cleanLine(test.file)}${test.line === null ? '' : `:${test.line}`}`;
      const suite = test.suite === '' || test.suite === test.file ? '' : ` (${cleanLine(test.suite)})`;
      const flaky = test.flakyAt === null ? '' : ` ${screen.paint('yellow', 'flaky')}`;
      const head = `${screen.paint('red', '✗')} ${screen.paint('bold', cleanLine(test.name))}${suite}${flaky}`;
      return [head, ...(place === '' ? [] : [`  ${place}`]), ...saidBy(test).map((line) => `    ${line}`)];
    }),
    ...(failing > shown.length ? [`… and ${failing - shown.length} more: ${cleanLine(lane.url)}`] : []),
  ];
}

function saidBy({ message, output }: LaneTestsView['failures'][number]): string[] {
  const text = output !== null && (message === null || output.includes(message)) ? output : (message ?? '');
  const lines = clean(text).trimEnd().split('\n');
  return lines.length > shownLines
    ? [...lines.slice(0, shownLines), '…']
    : lines.filter((line) => line !== '' || lines.length > 1);
}
