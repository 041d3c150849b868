import { type Markup, mark, markLines } from '../markup.js';

/** One of many images, as a test case. */
export interface SuiteCase {
  readonly name: string;
  readonly seconds: number;
  /** `failed`: the boot was refused; `error`: nothing is known of it. */
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped';
  /** In one sentence: why it has not passed. */
  readonly message?: string | undefined;
  /** The same in full; of a case that has passed, what is shown of it. */
  readonly text: readonly string[];
}

interface Suite {
  /** `targets`: what the cases are. */
  readonly name: string;
  /** Of each case: `moby-patch.target`. */
  readonly className: string;
  readonly seconds: number;
  readonly cases: readonly SuiteCase[];
}

/** JUnit's form of a report of many images. */
export function renderSuite({ name, className, seconds, cases }: Suite): string {
  const count = (wanted: SuiteCase['outcome']) => cases.filter(({ outcome }) => outcome === wanted).length;
  const counts = mark`tests="${cases.length}" failures="${count('failed')}" errors="${count('error')}" skipped="${count('skipped')}"`;
  const time = seconds.toFixed(3);
  return mark`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="moby-patch" ${counts} time="${time}">
  <testsuite name="moby-patch: ${name}" ${counts} time="${time}">${cases.map((each) => renderCase(each, className))}
  </testsuite>
</testsuites>
`.markup;
}

function renderCase({ name, seconds, outcome, message = '', text }: SuiteCase, className: string): Markup {
  const open = mark`\n    <testcase classname="${className}" name="${name}" time="${seconds.toFixed(3)}">`;
  return mark`${open}${renderOutcome(outcome, message, markLines(text))}</testcase>`;
}

function renderOutcome(outcome: SuiteCase['outcome'], message: string, text: Markup): Markup {
  if (outcome === 'skipped') return mark`<skipped message="${message}"/>`;
  if (outcome === 'failed') return mark`<failure type="boot" message="${message}">${text}</failure>`;
  if (outcome === 'error') return mark`<error type="build" message="${message}">${text}</error>`;
  return mark`<system-out>${text}</system-out>`;
}
