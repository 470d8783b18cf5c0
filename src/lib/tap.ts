// The Test Anything Protocol, versions 12 to 14, with subtests: one line per test, indented by four spaces per level, a
// block of YAML or comments below it. A test that has subtests stands for them and is counted only when none of them
// says why it failed.
import { hasRoom, type ReportedTest, type TestReport } from './reported-test.ts';

const maxDepth = 32;
const maxDiagnosisLines = 400;

interface Point {
  test: ReportedTest;
  isOk: boolean;
  diagnosis: string[];
  /** Whether `diagnosis` holds a YAML block and not comments. */
  isYaml: boolean;
}

/** What is known of one level of indentation since its last finished test. */
interface Level {
  points: Point[];
  planned: number | undefined;
  seen: number;
}

const pointLine = /^(not )?ok\b[ \t]*(\d{0,9})[ \t]*(.*)$/;
const planLine = /^1\.\.(\d{1,9})(?:\s*#\s*(.*))?$/;
const directive = /(?:^|\s)#\s*(SKIP|TODO)\b[:\s]*(.*)$/i;

export function readTap(text: string, maxTests: number): TestReport {
  const reader = new TapReader(maxTests);
  // Line by line: a report of nothing but line breaks would be millions of texts at once.
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? undefined : end);
    reader.take(line.endsWith('\r') ? line.slice(0, -1) : line);
    from = end < 0 ? text.length : end + 1;
  }
  return reader.end();
}

class TapReader {
  readonly #maxTests: number;
  readonly #levels: Level[] = [newLevel()];
  #last: Point | undefined;
  /** The indentation that ends a YAML block, while one is open. */
  #yamlIndent: string | undefined;
  #count = 0;
  #leftOut = 0;
  #bailed: string | undefined;

  constructor(maxTests: number) {
    this.#maxTests = maxTests;
  }

  take(line: string): void {
    if (this.#bailed !== undefined) return;
    if (this.#yamlIndent !== undefined) return this.#takeYaml(line, this.#yamlIndent);
    const text = line.trimStart();
    const indent = line.slice(0, line.length - text.length);
    const depth = Math.floor(indent.replaceAll('\t', '    ').length / 4);
    const point = pointLine.exec(text);
    const plan = planLine.exec(text);
    if (text === '---' && this.#last !== undefined) this.#openYaml(indent);
    else if (depth > maxDepth) return;
    else if (point !== null) this.#takePoint(depth, point);
    else if (plan !== null) this.#level(depth).planned = Number(plan[1]);
    else if (text.startsWith('Bail out!')) this.#bailed = text.slice(9).trim() || 'no reason given';
    // A subtest that is announced ends what was said of the test before it.
    else if (/^# Subtest\b/.test(text)) this.#last = undefined;
    else this.#takeDiagnosis(text, line);
  }

  end(): TestReport {
    while (this.#levels.length > 1) this.#foldInto(this.#levels.length - 2, undefined);
    const { points, planned, seen } = this.#level(0);
    const tests = points.map(told);
    const problems = [
      this.#bailed === undefined ? undefined : `the tests bailed out: ${this.#bailed}`,
      planned !== undefined && planned !== seen && this.#bailed === undefined
        ? `its plan promises ${planned} tests, and ${seen} came`
        : undefined,
      this.#leftOut > 0
        ? `${this.#leftOut} tests are left out: a lane reports at most ${this.#maxTests}`
        : undefined,
    ];
    return { tests, problem: problems.filter((problem) => problem !== undefined).join('; ') || undefined };
  }

  #level(depth: number): Level {
    while (this.#levels.length <= depth) this.#levels.push(newLevel());
    return this.#levels[depth] ?? newLevel();
  }

  #takePoint(depth: number, [, not, , rest = '']: RegExpExecArray): void {
    const [, kind, why] = directive.exec(rest) ?? [];
    const description = rest.replace(directive, '').replace(/^-\s*/, '').replaceAll('\\#', '#').trim();
    const isOk = not === undefined;
    const test: ReportedTest = {
      suite: '',
      name: description || `test ${this.#level(depth).seen + 1}`,
      // What is marked as still to do is expected to fail.
      state: kind !== undefined ? 'skipped' : isOk ? 'passed' : 'failed',
      durationMs: undefined,
      message: kind === undefined ? undefined : why || (kind.toUpperCase() === 'TODO' ? 'to do' : undefined),
      output: undefined,
      file: undefined,
      line: undefined,
      flaky: false,
    };
    const point: Point = { test, isOk, diagnosis: [], isYaml: false };
    this.#level(depth).seen += 1;
    const children = this.#foldInto(depth, description);
    this.#last = point;
    const isParent = children.length > 0;
    if (isParent && (isOk || children.some((child) => child.test.state === 'failed'))) return;
    if (!hasRoom(this.#count, this.#maxTests, test.state)) this.#leftOut += 1;
    else {
      this.#count += 1;
      this.#level(depth).points.push(point);
    }
  }

  /** The tests of the levels below become tests of this one, in the suite that the test above them names. */
  #foldInto(depth: number, suite: string | undefined): Point[] {
    const below = this.#levels.splice(depth + 1).flatMap((level) => level.points);
    for (const { test } of below) {
      if (suite) test.suite = test.suite === '' ? suite : `${suite} > ${test.suite}`;
    }
    // One by one: a spread of that many arguments would overflow the stack.
    const { points } = this.#level(depth);
    for (const point of below) points.push(point);
    return below;
  }

  #openYaml(indent: string): void {
    this.#yamlIndent = indent;
    if (this.#last !== undefined) Object.assign(this.#last, { diagnosis: [], isYaml: true });
  }

  #takeYaml(line: string, indent: string): void {
    if (line.trim() === '...') {
      this.#yamlIndent = undefined;
      this.#last = undefined;
    } else if (this.#last !== undefined && this.#last.diagnosis.length < maxDiagnosisLines) {
      this.#last.diagnosis.push(line.startsWith(indent) ? line.slice(indent.length) : line);
    }
  }

  /** Comments, and whatever a test prints between its lines, belong to the failure before them. */
  #takeDiagnosis(text: string, line: string): void {
    const last = this.#last;
    if (last === undefined || last.isOk || last.diagnosis.length >= maxDiagnosisLines) return;
    if (/^#\s*(?:tests|pass|fail|skipped|todo|cancelled|suites|duration_ms)\s+[\d.]+$/.test(text)) return;
    last.diagnosis.push(text.startsWith('#') ? text.replace(/^# ?/, '') : line);
  }
}

const newLevel = (): Level => ({ points: [], planned: undefined, seen: 0 });

function told({ test, diagnosis, isYaml, isOk }: Point): ReportedTest {
  const duration = isYaml ? Number(scalar(diagnosis, /^duration_ms$/)) : Number.NaN;
  const durationMs = Number.isFinite(duration) && duration >= 0 ? Math.round(duration) : undefined;
  if (isOk || test.state === 'skipped') return { ...test, durationMs };
  const message = isYaml
    ? scalar(diagnosis, /^(?:error|message)$/)
    : diagnosis.map((line) => line.trim()).find((line) => line !== '' && !/^Failed test\b/.test(line));
  const place = isYaml ? /^(.*?):(\d{1,7})(?::\d+)?$/.exec(scalar(diagnosis, /^location$/) ?? '') : null;
  return {
    ...test,
    durationMs,
    message,
    output: diagnosis.join('\n') || undefined,
    file: place?.[1],
    line: place === null ? undefined : Number(place[2]),
  };
}

/** The value of a key at the top of a YAML block: plain, quoted, or a block below it. */
function scalar(lines: readonly string[], key: RegExp): string | undefined {
  for (const [place, line] of lines.entries()) {
    const [, name = '', value = ''] = /^([A-Za-z_]{1,40}):\s*(.*)$/.exec(line) ?? [];
    if (!key.test(name)) continue;
    if (!/^[|>][-+]?$/.test(value)) return value.replace(/^(['"])(.*)\1$/, '$2');
    const end = lines.findIndex((next, at) => at > place && next !== '' && !/^\s/.test(next));
    const block = lines.slice(place + 1, end < 0 ? undefined : end);
    return block.map((text) => text.trim()).join('\n');
  }
  return undefined;
}
