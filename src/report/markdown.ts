import type { ErrorReport } from '../model/error/error.js';
import type { Report } from '../model/result/report.js';
import { renderDiff } from './diff.js';
import { placeMessage } from './error.js';
import { fence } from './fence.js';
import { renderReport } from './text.js';

/** A page for a CI job's summary: the report, then every difference between the images. */
export function renderMarkdown(report: Report): string {
  const lines = [
    `# ${report.input}: ${report.failed ? 'failed' : 'done'}`,
    '',
    ...fence(renderReport(report)),
  ];
  if (report.error !== undefined) lines.push('', ...listErrors(report.error).flatMap(renderFailure));
  if (report.diff !== undefined && renderDiff(report.diff).length > 0) {
    lines.push(
      '',
      '<details><summary>Differences</summary>',
      '',
      ...fence(renderDiff(report.diff)),
      '',
      '</details>',
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The single ones, where the error stands for several. */
function listErrors(error: ErrorReport): readonly ErrorReport[] {
  return error.problems === undefined ? [error] : error.problems.flatMap(listErrors);
}

function renderFailure(error: ErrorReport): string[] {
  const { code, hint } = error;
  const lines = [`**${code}**: ${escapeMarkup(placeMessage(error))}`, ''];
  return hint === undefined ? lines : [...lines, `try: \`${escapeMarkup(hint).replaceAll('\n', ' ')}\``, ''];
}

/** A text from an image or a guest must not become markup. */
function escapeMarkup(text: string): string {
  return text.replace(/[<>`]/g, '');
}
