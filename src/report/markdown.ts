import type { Report } from '../model/report.js';
import { renderDiff } from './diff.js';
import { renderReport } from './text.js';

/** A page for a CI job's summary: the report, then every difference between the images. */
export function renderMarkdown(report: Report): string {
  const lines = [
    `# ${report.input}: ${report.failed ? 'failed' : 'done'}`,
    '',
    '```',
    ...renderReport(report).map(escapeFence),
    '```',
  ];
  if (report.error !== undefined)
    lines.push('', `**${report.error.code}**: ${report.error.message.replace(/[<>`]/g, '')}`);
  if (report.diff !== undefined && renderDiff(report.diff).length > 0) {
    lines.push(
      '',
      '<details><summary>Differences</summary>',
      '',
      '```',
      ...renderDiff(report.diff).map(escapeFence),
      '```',
      '',
      '</details>',
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A name from an image must not close the code block. */
function escapeFence(line: string): string {
  return line.replaceAll('```', "'''");
}
