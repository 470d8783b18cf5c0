// JUnit XML as the runners of all languages write it; there is no standard, so every part is optional. A document type
// is refused before anything is read: it is the only way to declare entities, and no report needs one.
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { errorMessage } from './errors.ts';
import { hasRoom, type ReportedTest, type TestReport, type TestState } from './reported-test.ts';

const maxNestedTags = 64;
const failing = ['failure', 'error'] as const;
/** Of runners that try a failing test again: it failed so often before it passed. */
const triedAgain = ['flakyFailure', 'flakyError'] as const;
const lists = ['testsuite', 'testcase', 'skipped', 'system-out', 'system-err', ...failing, ...triedAgain];

type Node = Record<string, unknown>;

export function readJunit(text: string, maxTests: number): TestReport {
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) {
    return { tests: [], problem: 'it has a document type, which a report does not need and may hide a bomb' };
  }
  const validity = XMLValidator.validate(text, { allowBooleanAttributes: false });
  if (validity !== true) {
    const { msg, line } = validity.err;
    return { tests: [], problem: `it is not well-formed XML: line ${line}: ${sentenceOf(msg)}` };
  }
  try {
    return readSuites(parserOfReports().parse(text) as Node, maxTests);
  } catch (error) {
    return { tests: [], problem: `it cannot be read: ${sentenceOf(errorMessage(error))}` };
  }
}

/** The parser quotes what it did not understand, however long that is. */
const sentenceOf = (message: string): string => message.slice(0, 200).replace(/\s+/g, ' ').replace(/\.$/, '');

function parserOfReports(): XMLParser {
  return new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    // Entities are put in here below, where they cannot grow.
    processEntities: false,
    removeNSPrefix: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
    maxNestedTags,
    isArray: (tag: string) => lists.includes(tag),
  });
}

interface Walk {
  tests: ReportedTest[];
  maxTests: number;
  leftOut: number;
}

function readSuites(document: Node, maxTests: number): TestReport {
  const root = nodesOf(document['testsuites'])[0] ?? document;
  const suites = nodesOf(root['testsuite']);
  if (document['testsuites'] === undefined && suites.length === 0) {
    return { tests: [], problem: 'it is XML, but it has no <testsuite>' };
  }
  const walk: Walk = { tests: [], maxTests, leftOut: 0 };
  const outer = { name: '', file: undefined };
  addCases(walk, root, outer);
  for (const suite of suites) addSuite(walk, suite, outer);
  const problem =
    walk.leftOut > 0 ? `${walk.leftOut} tests are left out: a lane reports at most ${maxTests}` : undefined;
  return { tests: walk.tests, problem };
}

interface Outer {
  name: string;
  file: string | undefined;
}

function addSuite(walk: Walk, suite: Node, outer: Outer): void {
  const name = attribute(suite, 'name') ?? '';
  const inner = {
    name: [outer.name, name].filter(Boolean).join(' > '),
    file: attribute(suite, 'file') ?? outer.file,
  };
  addCases(walk, suite, inner);
  for (const child of nodesOf(suite['testsuite'])) addSuite(walk, child, inner);
  // A suite that broke before its first test has nobody else to say so.
  const broken = failing.flatMap((tag) => nodesOf(suite[tag]));
  if (broken.length > 0) add(walk, { ...testOf(suite, outer), name: name || '(suite)' });
}

function addCases(walk: Walk, parent: Node, outer: Outer): void {
  for (const testcase of nodesOf(parent['testcase'])) add(walk, testOf(testcase, outer));
}

function add(walk: Walk, test: ReportedTest): void {
  if (hasRoom(walk.tests.length, walk.maxTests, test.state)) walk.tests.push(test);
  else walk.leftOut += 1;
}

function testOf(node: Node, outer: Outer): ReportedTest {
  const faults = failing.flatMap((tag) => nodesOf(node[tag]));
  const skipped = nodesOf(node['skipped']);
  const earlier = triedAgain.flatMap((tag) => nodesOf(node[tag]));
  const told = [...faults, ...earlier, ...skipped][0];
  const hasFailed = faults.length > 0;
  return {
    suite: attribute(node, 'classname') ?? outer.name,
    name: attribute(node, 'name') ?? '',
    state: stateOf(node),
    durationMs: millisecondsOf(attribute(node, 'time')),
    message: told && messageOf(told),
    output: hasFailed || earlier.length > 0 ? outputOf(node, [...faults, ...earlier]) : undefined,
    file: attribute(node, 'file') ?? outer.file,
    line: lineOf(attribute(node, 'line')),
    flaky: !hasFailed && earlier.length > 0,
  };
}

function stateOf(node: Node): TestState {
  if (nodesOf(node['failure']).length > 0) return 'failed';
  if (nodesOf(node['error']).length > 0) return 'error';
  const isLeftOut = /^(?:notrun|skipped|disabled|ignored)$/i.test(attribute(node, 'status') ?? '');
  return isLeftOut || nodesOf(node['skipped']).length > 0 ? 'skipped' : 'passed';
}

/** Runners write `message="true"` for a test that was left out without a reason. */
function messageOf(node: Node): string | undefined {
  const message = attribute(node, 'message') ?? textOf(node).trim().split('\n', 1)[0];
  return message === 'true' || message === '' ? undefined : message;
}

function outputOf(node: Node, faults: readonly Node[]): string {
  const said = faults.map((fault) => {
    const text = textOf(fault);
    return text.trim() === '' ? (attribute(fault, 'message') ?? '') : text;
  });
  const printed = ['system-out', 'system-err'].flatMap((tag) => nodesOf(node[tag]).map(textOf));
  return [...said, ...printed]
    .filter((part) => part.trim() !== '')
    .map((part) => part.replace(/^\s*\n/, '').trimEnd())
    .join('\n\n');
}

/** Elements of a name: none, one or many, each of them a text or a record. */
function nodesOf(value: unknown): Node[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((entry) =>
    typeof entry === 'object' && entry !== null ? (entry as Node) : { '#text': String(entry) },
  );
}

function textOf(node: Node): string {
  const text = node['#text'];
  return typeof text === 'string' ? decodeEntities(text) : '';
}

function attribute(node: Node, name: string): string | undefined {
  const value = node[`@${name}`];
  return typeof value === 'string' && value !== '' ? decodeEntities(value) : undefined;
}

const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

/** The five entities of XML and numbers, each once: what comes out is never longer than what went in. */
const decodeEntities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|quot|apos|amp));/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return named[name.toLowerCase()] ?? String(whole);
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });

const maxMilliseconds = 1e10;

/** Of seconds, with a decimal point; some runners group thousands with a comma. */
function millisecondsOf(seconds: string | undefined): number | undefined {
  const value = Number(seconds?.replaceAll(',', '') ?? Number.NaN) * 1000;
  return Number.isFinite(value) && value >= 0 && value <= maxMilliseconds ? Math.round(value) : undefined;
}

const lineOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d{0,7}$/.test(text) ? Number(text) : undefined;
