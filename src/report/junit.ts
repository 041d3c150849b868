import type { Report } from '../model/result/report.js';
import { type Check, listChecks } from './checks.js';
import { renderError } from './error.js';
import { type Markup, mark, markLines } from './markup.js';
import { renderReport } from './text.js';

/** The checks of a run as test cases, in the XML that CI systems read. */
export function renderJunit(report: Report): string {
  const checks = listChecks(report);
  const count = (result: Check['result']) => checks.filter((check) => check.result === result).length;
  const counts = mark`tests="${checks.length}" failures="${count('failed')}" errors="${count('error')}"`;
  const time = showSeconds(report.durationMs / 1000);
  const { markup } = mark`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="moby-patch" ${counts} time="${time}">
  <testsuite name="moby-patch: ${report.input}" ${counts} skipped="${count('skipped')}" time="${time}">
    <properties>${listProperties(report)}
    </properties>${checks.map(renderCase)}
    <system-out>${markLines(renderReport(report))}</system-out>
    <system-err>${markLines(listOutput(report))}</system-err>
  </testsuite>
</testsuites>
`;
  return markup;
}

/** Of an ISO or a UKI the digests are those of the file, with those of the initrd in it beside them. */
function listProperties({ before, after, wrapper, plan, engine, mode, output }: Report): Markup[] {
  const properties: readonly (readonly [string, string | undefined])[] = [
    ['input.sha256', (wrapper?.before ?? before)?.sha256],
    ['output', output],
    ['output.sha256', wrapper === undefined ? after?.sha256 : wrapper.after?.sha256],
    ...(wrapper === undefined
      ? []
      : ([
          ['part', wrapper.part],
          ['input.part.sha256', before?.sha256],
          ['output.part.sha256', after?.sha256],
        ] as const)),
    ['plan', plan?.id],
    ['engine', engine?.name],
    ['mode', mode?.name],
  ];
  return properties.flatMap(([name, value]) =>
    value === undefined ? [] : [mark`\n      <property name="${name}" value="${value}"/>`],
  );
}

function renderCase({ stage, name, result, note = '', seconds = 0 }: Check): Markup {
  const attributes = mark`classname="moby-patch.${stage}" name="${name}" time="${showSeconds(seconds)}"`;
  const open = mark`\n    <testcase ${attributes}>`;
  const close = mark`</testcase>`;
  if (result === 'skipped') return mark`${open}<skipped message="${note}"/>${close}`;
  if (result === 'failed')
    return mark`${open}<failure type="${stage}" message="${note}">${markLines([note])}</failure>${close}`;
  if (result === 'error')
    return mark`${open}<error type="${stage}" message="${note}">${markLines([note])}</error>${close}`;
  if (note === '') return mark`\n    <testcase ${attributes}/>`;
  return mark`${open}<system-out>${markLines([note])}</system-out>${close}`;
}

/** The error, then the end of the guest's console. */
function listOutput({ error, boot }: Report): string[] {
  return [...(error === undefined ? [] : renderError(error).split('\n')), ...(boot?.tail ?? [])];
}

function showSeconds(seconds: number): string {
  return seconds.toFixed(3);
}
